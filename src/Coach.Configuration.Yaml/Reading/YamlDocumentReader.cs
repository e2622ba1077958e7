using System.Globalization;
using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Coach.Configuration.Yaml.Reading;

/// <summary>
/// A file's bytes to the tree of its one document. The events of YamlDotNet's parser are composed here and not by its
/// own model: that has no limit on what aliases repeat, and takes two documents, custom tags and keys that are lists.
/// </summary>
internal sealed class YamlDocumentReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    // The core schema's tags; their values are texts in a configuration anyway.
    private static readonly string[] KnownTags = ["null", "bool", "int", "float", "str", "seq", "map"];

    private readonly string _file;
    private readonly CoachYamlOptions _options;
    private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly VariableText _variables;
    private readonly Parser _events;
    private int _values;

    private YamlDocumentReader(string text, string file, CoachYamlOptions options, Func<string, string?> variables)
    {
        _file = file;
        _options = options;
        _variables = new VariableText(text, file, variables);
        _events = new Parser(new StringReader(_variables.Text));
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <returns>The root; null if the document holds nothing.</returns>
    public static YamlMap? Read(
        ReadOnlySpan<byte> bytes, string file, CoachYamlOptions options, Func<string, string?> variables)
    {
        if (bytes.Length > options.MaxBytes)
        {
            throw new YamlConfigurationException(file, 0, string.Create(
                CultureInfo.InvariantCulture,
                $"the file has {bytes.Length:N0} bytes; at most {options.MaxBytes:N0} are read. Split it, or raise "
                + $"MaxBytes."));
        }

        string text = Decode(bytes, file);
        var reader = new YamlDocumentReader(text, file, options, variables);
        try
        {
            return reader.ReadRoot();
        }
        catch (YamlException exception)
        {
            throw Translate((int)exception.Start.Line, text, file);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // What the parser throws of texts that it did not foresee.
            throw Translate((int)(reader._events.Current?.End.Line ?? 1), text, file);
        }
    }

    private static string Decode(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[3..];
        }

        string text;
        try
        {
            text = StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new YamlConfigurationException(
                file, 1 + bytes[..exception.Index].Count((byte)'\n'),
                "the file is not UTF-8. Save it as UTF-8.");
        }

        int control = text.AsSpan().IndexOfAnyInRange('\0', '\b');
        return control < 0
            ? text
            : throw new YamlConfigurationException(
                file, 1 + text.AsSpan(0, control).Count('\n'), "a control character stands in the text. Remove it.");
    }

    // YamlDotNet's messages quote the text now and then, and a text may be a secret: they become sentences of our own.
    private static YamlConfigurationException Translate(int place, string text, string file)
    {
        string[] lines = text.Split('\n');
        int line = Math.Clamp(place, 1, lines.Length);

        // Which of the two lines the parser means, depends on what came before the tab.
        int tab = IsTabbed(lines[line - 1]) ? line : line + 1;
        if (tab <= lines.Length && IsTabbed(lines[tab - 1]))
        {
            return new YamlConfigurationException(file, tab, "a tab indents this line. Indent with spaces.");
        }

        const string reason = "this is not YAML: look at the indentation, at quotes and brackets that are not closed, "
            + "and for texts with ': ' or ' #' that need quotes.";
        return new YamlConfigurationException(file, line, reason);
    }

    private static bool IsTabbed(string line) =>
        line.AsSpan(0, line.Length - line.AsSpan().TrimStart().Length).Contains('\t');

    private YamlMap? ReadRoot()
    {
        _events.Consume<StreamStart>();
        if (_events.TryConsume<StreamEnd>(out _))
        {
            return null;
        }

        _events.Consume<DocumentStart>();
        YamlNode root = ReadNode(1);
        _events.Consume<DocumentEnd>();
        if (!_events.Accept<StreamEnd>(out _))
        {
            throw Fail(_events.Current!.Start, "a second document begins. Keep one document in a file.");
        }

        return root switch
        {
            YamlMap map => map,
            YamlText { Value: null } => null,
            _ => throw new YamlConfigurationException(
                _file, root.Line, "the file must begin with a mapping, such as 'name: value'."),
        };
    }

    private YamlNode ReadNode(int depth)
    {
        if (depth > _options.MaxDepth && _events.Current is SequenceStart or MappingStart)
        {
            throw Fail(_events.Current!.Start, string.Create(
                CultureInfo.InvariantCulture,
                $"values stand more than {_options.MaxDepth} deep in each other. Flatten them, or raise MaxDepth."));
        }

        if (_events.TryConsume<AnchorAlias>(out AnchorAlias? alias))
        {
            return Follow(alias, depth);
        }

        var start = (NodeEvent)_events.Current!;
        CheckTag(start);
        string? anchor = start.Anchor.IsEmpty ? null : start.Anchor.Value;
        if (anchor is not null && (!_open.Add(anchor) || _anchors.ContainsKey(anchor)))
        {
            throw Fail(start.Start, "this anchor's name is taken. Give each anchor a name of its own.");
        }

        YamlNode node = start switch
        {
            Scalar => ReadScalar(),
            SequenceStart => ReadList(depth),
            MappingStart => ReadMap(depth),
            _ => throw Fail(start.Start, "a value was expected here."),
        };
        if (anchor is not null)
        {
            _anchors[anchor] = node;
        }

        return node;
    }

    private void CheckTag(NodeEvent node)
    {
        const string core = "tag:yaml.org,2002:";
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific)
        {
            return;
        }

        string tag = node.Tag.Value;
        if (!tag.StartsWith(core, StringComparison.Ordinal) || !KnownTags.Contains(tag[core.Length..]))
        {
            throw Fail(node.Start, "tags other than YAML's own mean nothing here. Remove the tag.");
        }
    }

    private YamlNode Follow(AnchorAlias alias, int depth)
    {
        string name = alias.Value.Value;
        if (_anchors.TryGetValue(name, out YamlNode? node))
        {
            Count(node, alias.Start, depth);
            return node;
        }

        throw Fail(alias.Start, _open.Contains(name)
            ? "this alias stands inside of what it repeats. Remove it."
            : "this alias has no anchor above it. Write '&name' where its value stands.");
    }

    // What an alias repeats counts as if it were written out, so that a small file cannot become a large one.
    private void Count(YamlNode node, Mark place, int depth)
    {
        AddValue(place);
        if (depth > _options.MaxDepth && node is not YamlText)
        {
            throw Fail(place, string.Create(
                CultureInfo.InvariantCulture,
                $"what this alias repeats stands more than {_options.MaxDepth} deep. Flatten it, or raise MaxDepth."));
        }

        switch (node)
        {
            case YamlList list:
                foreach (YamlNode item in list.Items)
                {
                    Count(item, place, depth + 1);
                }

                break;
            case YamlMap map:
                foreach (YamlMember member in map.Members)
                {
                    Count(member.Value, place, depth + 1);
                }

                break;
        }
    }

    private void AddValue(Mark place)
    {
        if (++_values > _options.MaxValues)
        {
            throw Fail(place, string.Create(
                CultureInfo.InvariantCulture,
                $"the file holds more than {_options.MaxValues:N0} values. Split it, or raise MaxValues."));
        }
    }

    private YamlNode ReadScalar()
    {
        Scalar scalar = _events.Consume<Scalar>();
        AddValue(scalar.Start);
        int line = (int)scalar.Start.Line;
        bool isPlain = scalar.Style == ScalarStyle.Plain;
        if (isPlain && scalar.Value is "" or "~" or "null" or "Null" or "NULL")
        {
            return new YamlText(isPlain ? null : scalar.Value, line);
        }

        if (isPlain && _variables.TrySingle(scalar.Value, out VariableText.Reference reference))
        {
            return ReadVariable(reference, line);
        }

        return new YamlText(_variables.PutIn(scalar.Value), line);
    }

    // A variable that is the whole of an unquoted value may be a list: written so in its default, or in JSON.
    private YamlNode ReadVariable(VariableText.Reference reference, int line)
    {
        (string text, bool isDefault) = _variables.Resolve(reference);
        string trimmed = text.Trim();
        bool expectsList = reference.Default?.TrimStart().StartsWith('[') == true;
        bool looksLikeList = trimmed.StartsWith('[') && trimmed.EndsWith(']');
        if (expectsList && !looksLikeList)
        {
            const StringSplitOptions trimming = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            return List(trimmed.Split(',', trimming), line);
        }

        if (looksLikeList && isDefault)
        {
            return ReadFlowList(trimmed, reference, line);
        }

        if (looksLikeList && (expectsList || reference.Default is null) && JsonItems(trimmed) is { } items)
        {
            return List(items, line);
        }

        if (expectsList)
        {
            throw new YamlConfigurationException(
                _file, line,
                $"the variable {reference.Name} holds no list. Write a JSON array, or values with commas between.");
        }

        return new YamlText(isDefault && trimmed is "null" or "~" or "" ? null : Unquote(text, isDefault), line);
    }

    private static string Unquote(string text, bool isDefault)
    {
        bool isQuoted = isDefault && text.Length >= 2 && text[0] is '"' or '\'' && text[^1] == text[0];
        return isQuoted ? text[1..^1] : text;
    }

    private YamlList ReadFlowList(string text, VariableText.Reference reference, int line)
    {
        var options = new CoachYamlOptions { MaxDepth = 2, MaxValues = _options.MaxValues };
        try
        {
            byte[] document = Encoding.UTF8.GetBytes("items: " + text.Replace("${", "$${", StringComparison.Ordinal));
            YamlMap? map = Read(document, _file, options, static _ => null);
            var list = (YamlList)map!.Members[0].Value;
            return List([.. list.Items.Select(item => ((YamlText)item).Value ?? "")], line);
        }
        catch (Exception exception) when (exception is YamlConfigurationException or InvalidCastException)
        {
            throw new YamlConfigurationException(
                _file, line,
                $"the default of {reference.Name} is no list of plain values. Write ${{{reference.Name}:-[a, b]}}.");
        }
    }

    private static string[]? JsonItems(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2 });
            return [.. document.RootElement.EnumerateArray().Select(
                item => item.ValueKind == JsonValueKind.String ? item.GetString()! : item.GetRawText())];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private YamlList List(string[] items, int line)
    {
        _values += items.Length - 1;
        AddValue(new Mark(0, line, 1));
        return new YamlList([.. items.Select(item => new YamlText(item, line))], line);
    }

    private YamlList ReadList(int depth)
    {
        SequenceStart start = _events.Consume<SequenceStart>();
        var items = new List<YamlNode>();
        while (!_events.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadNode(depth + 1));
        }

        return new YamlList(items, (int)start.Start.Line);
    }

    private YamlMap ReadMap(int depth)
    {
        MappingStart start = _events.Consume<MappingStart>();
        var members = new List<YamlMember>();
        var lines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var merged = new List<YamlMember>();
        while (!_events.TryConsume<MappingEnd>(out _))
        {
            (string key, int line, bool isMerge) = ReadKey();
            YamlNode value = ReadNode(depth + 1);
            if (isMerge)
            {
                merged.AddRange(Merged(value));
            }
            else if (lines.TryAdd(key, line))
            {
                members.Add(new YamlMember(key, value, line));
            }
            else
            {
                throw new YamlConfigurationException(_file, line, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the key '{Shown(key)}' stands on line {lines[key]} already (case does not count). Keep one of "
                    + $"them."));
            }
        }

        // YAML 1.1: own keys win over merged ones, and the first merge over the later.
        members.AddRange(merged.Where(member => lines.TryAdd(member.Key, member.Line)));
        return new YamlMap(members, (int)start.Start.Line);
    }

    private (string Key, int Line, bool IsMerge) ReadKey()
    {
        if (_events.Current is not Scalar scalar)
        {
            throw Fail(_events.Current!.Start, "a key must be a plain text.");
        }

        _events.MoveNext();
        if (!scalar.Anchor.IsEmpty)
        {
            throw Fail(scalar.Start, "a key cannot have an anchor. Give it to the value.");
        }

        CheckTag(scalar);
        string key = _variables.PutIn(scalar.Value);
        return key.Length is > 0 and <= 256
            ? (key, (int)scalar.Start.Line, key == "<<" && scalar.Style == ScalarStyle.Plain)
            : throw Fail(scalar.Start, "a key must have 1 to 256 characters.");
    }

    private IEnumerable<YamlMember> Merged(YamlNode value) => value switch
    {
        YamlMap map => map.Members,
        YamlList list => list.Items.SelectMany(Merged),
        _ => throw new YamlConfigurationException(
            _file, value.Line, "'<<' takes a mapping, or a list of mappings."),
    };

    private YamlConfigurationException Fail(Mark place, string reason) => new(_file, (int)place.Line, reason);

    private static string Shown(string key) => key.Length > 60 ? key[..60] + "…" : key;
}
