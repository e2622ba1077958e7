using Coach.Abstractions;

namespace Coach.Configuration.Yaml;

/// <summary>
/// Reads a secret manifest from a YAML file: <c>secrets</c> with <c>required</c> and <c>optional</c>, each a list of
/// names. What lies in one secret as several keys is an object, <c>{ name: REGISTRY_AUTH, keys: [REGISTRY_USERNAME,
/// REGISTRY_PASSWORD] }</c>, and so is what has an older name, <c>{ name: GEMINI_API_KEY, legacy: GOOGLE_API_KEY }</c>.
/// </summary>
public static class SecretManifestYaml
{
    private const string Root = "secrets";

    /// <summary>Reads the manifest of a file, such as a processor's <c>registry.yaml</c>.</summary>
    /// <param name="path">The file; at most 1 MiB. Other sections of it are left alone.</param>
    /// <returns>The manifest; empty where the file has no <c>secrets</c>.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="YamlConfigurationException">The file is not YAML, or the section is not of this shape; names
    /// file and line.</exception>
    public static SecretManifest Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = new FileInfo(path);
        var options = new CoachYamlOptions();
        return file.Exists && file.Length > options.MaxBytes
            ? throw new YamlConfigurationException(path, 1, $"the file is longer than {options.MaxBytes} bytes")
            : Parse(File.ReadAllText(path), path);
    }

    /// <summary>Reads the manifest of a text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="file">The name that errors give.</param>
    /// <returns>The manifest; empty where the text has no <c>secrets</c>.</returns>
    /// <exception cref="ArgumentException"><paramref name="text"/> or <paramref name="file"/> is null.</exception>
    /// <exception cref="YamlConfigurationException">As for <see cref="Load"/>.</exception>
    public static SecretManifest Parse(string text, string file) => FromEntries(CoachYaml.Read(text, file), file);

    /// <summary>Reads the manifest of a file that was read already.</summary>
    /// <param name="entries">What <c>CoachYaml.Read</c> found.</param>
    /// <param name="file">The name that errors give.</param>
    /// <returns>The manifest; empty where there are no <c>secrets</c>.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="YamlConfigurationException">The section is not of this shape.</exception>
    public static SecretManifest FromEntries(IReadOnlyList<YamlEntry> entries, string file)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(file);
        var manifest = new SecretManifest();
        var items = new Dictionary<string, Item>(StringComparer.OrdinalIgnoreCase);
        var order = new List<Item>();
        foreach (YamlEntry entry in entries)
        {
            string[] parts = entry.Key.Split(':');
            if (!parts[0].Equals(Root, StringComparison.OrdinalIgnoreCase) || IsNothing(parts, entry))
            {
                continue;
            }

            bool? isRequired = parts.Length < 2 ? null : parts[1].ToUpperInvariant() switch
            {
                "REQUIRED" => true,
                "OPTIONAL" => false,
                _ => null,
            };
            if (isRequired is null || parts.Length < 3 || !int.TryParse(parts[2], out _))
            {
                throw new YamlConfigurationException(
                    file, entry.Line, "'secrets' has the lists 'required' and 'optional', and nothing else");
            }

            string key = $"{parts[1]}:{parts[2]}";
            if (!items.TryGetValue(key, out Item? item))
            {
                items[key] = item = new Item(isRequired.Value, entry.Line);
                order.Add(item);
            }

            Take(item, parts, entry, file);
        }

        foreach (Item item in order)
        {
            Declare(manifest, item, file);
        }

        return manifest;
    }

    private static bool IsNothing(string[] parts, YamlEntry entry) =>
        parts.Length <= 2 && string.IsNullOrEmpty(entry.Value);

    private static void Take(Item item, string[] parts, YamlEntry entry, string file)
    {
        string value = entry.Value?.Trim() ?? "";
        string field = parts.Length > 3 ? parts[3].ToUpperInvariant() : "NAME";
        switch (field)
        {
            case "NAME" when parts.Length <= 4:
                item.Name = value;
                break;
            case "LEGACY" when parts.Length == 4:
                item.Legacy = value;
                break;
            case "KEYS" when parts.Length == 5:
                item.Keys.Add(value);
                break;
            default:
                throw new YamlConfigurationException(
                    file, entry.Line, "a secret is a name, or an object of 'name' with 'keys' or 'legacy'");
        }
    }

    private static void Declare(SecretManifest manifest, Item item, string file)
    {
        try
        {
            string[] names = item.Keys.Count > 0 ? [.. item.Keys] : [item.Name];
            if (item.IsRequired)
            {
                manifest.Require(names);
            }
            else
            {
                manifest.Optional(names);
            }

            if (item.Keys.Count > 0)
            {
                manifest.Group(item.Name, names);
            }
            else if (item.Legacy is not null)
            {
                manifest.Alias(item.Name, item.Legacy);
            }
        }
        catch (ArgumentException)
        {
            throw new YamlConfigurationException(
                file, item.Line, "a secret's name has only A-Z, 0-9 and '_', like the environment variable it names");
        }
    }

    private sealed class Item(bool isRequired, int line)
    {
        public bool IsRequired { get; } = isRequired;

        public int Line { get; } = line;

        public string Name { get; set; } = "";

        public string? Legacy { get; set; }

        public List<string> Keys { get; } = [];
    }
}
