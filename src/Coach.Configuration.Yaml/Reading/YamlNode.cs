namespace Coach.Configuration.Yaml.Reading;

/// <summary>A node of the one document of a file: aliases are resolved, variables put in.</summary>
internal abstract record YamlNode(int Line);

/// <summary>A text; null is YAML's null.</summary>
internal sealed record YamlText(string? Value, int Line) : YamlNode(Line);

/// <summary>A list.</summary>
internal sealed record YamlList(IReadOnlyList<YamlNode> Items, int Line) : YamlNode(Line);

/// <summary>A mapping, in the file's order; keys differ by more than case.</summary>
internal sealed record YamlMap(IReadOnlyList<YamlMember> Members, int Line) : YamlNode(Line);

/// <summary>A key of a mapping with its value.</summary>
internal sealed record YamlMember(string Key, YamlNode Value, int Line);
