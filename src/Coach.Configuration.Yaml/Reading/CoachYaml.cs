using System.Globalization;
using System.Text;
using Coach.Configuration.Yaml.Reading;
using Microsoft.Extensions.Configuration;

namespace Coach.Configuration.Yaml;

/// <summary>Reads YAML as configuration keys, without a configuration: to check a text before it is kept.</summary>
public static class CoachYaml
{
    /// <summary>Reads a text.</summary>
    /// <param name="text">One YAML document whose root is a mapping.</param>
    /// <param name="file">How errors name it.</param>
    /// <param name="options">Limits and variables; the defaults unless given.</param>
    /// <returns>The values in the file's order, keys without the options' section.</returns>
    /// <exception cref="YamlConfigurationException">The text cannot be used.</exception>
    public static IReadOnlyList<YamlEntry> Read(string text, string file, CoachYamlOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentException.ThrowIfNullOrEmpty(file);
        return Read(Encoding.UTF8.GetBytes(text), file, options ?? new CoachYamlOptions());
    }

    internal static IReadOnlyList<YamlEntry> Read(ReadOnlySpan<byte> bytes, string file, CoachYamlOptions options)
    {
        options.Check();
        Func<string, string?> variables = options.Variables ?? EnvironmentVariables();
        var entries = new List<YamlEntry>();
        if (YamlDocumentReader.Read(bytes, file, options, variables) is { } root)
        {
            var keys = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
            Flatten(root, "", entries, keys, file);
        }

        return entries;
    }

    // The environment as the configuration system reads it; names keep their underscores.
    private static Func<string, string?> EnvironmentVariables()
    {
        IConfigurationRoot environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        return name => environment[name.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal)];
    }

    private static void Flatten(
        YamlNode node, string key, List<YamlEntry> entries, Dictionary<string, int> keys, string file)
    {
        switch (node)
        {
            case YamlMap { Members.Count: > 0 } map:
                foreach (YamlMember member in map.Members)
                {
                    Flatten(member.Value, Join(key, member.Key), entries, keys, file);
                }

                break;
            case YamlList { Items.Count: > 0 } list:
                for (int i = 0; i < list.Items.Count; i++)
                {
                    Flatten(list.Items[i], Join(key, i.ToString(CultureInfo.InvariantCulture)), entries, keys, file);
                }

                break;
            case var leaf when !keys.TryAdd(key, leaf.Line):
                throw new YamlConfigurationException(file, leaf.Line, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the key '{key}' stands on line {keys[key]} already, written in another way. Keep one of them."));
            case var leaf:
                entries.Add(new YamlEntry(key, (leaf as YamlText)?.Value, leaf.Line));
                break;
        }
    }

    private static string Join(string parent, string key) =>
        parent.Length == 0 ? key : ConfigurationPath.Combine(parent, key);
}
