namespace Coach.Configuration.Yaml;

/// <summary>One value of a file, as configuration knows it.</summary>
/// <param name="Key">Its key, with colons between the levels and list items by number.</param>
/// <param name="Value">Its text with variables put in; null for <c>null</c>, <c>~</c>, nothing, and an empty mapping or
/// list.</param>
/// <param name="Line">Its line in the file, from 1.</param>
public sealed record YamlEntry(string Key, string? Value, int Line);
