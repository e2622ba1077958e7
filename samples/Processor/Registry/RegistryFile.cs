using System.Globalization;
using Coach.Abstractions;
using Coach.Configuration.Yaml;
using Coach.Llm;
using Coach.Usage;

namespace Processor.Registry;

/// <summary>A processor as its <c>registry.yaml</c> describes it.</summary>
internal sealed class RegistryFile
{
    private const string Currency = "usd";
    private const decimal MaxPrice = 1_000_000;

    private readonly string _text;

    private RegistryFile(ProcessorRef reference, string path, string text, SecretManifest secrets)
    {
        Ref = reference;
        Path = path;
        _text = text;
        Secrets = secrets;
    }

    public ProcessorRef Ref { get; }

    public string Path { get; }

    public SecretManifest Secrets { get; }

    /// <summary>Platform (<c>amd64</c>, <c>arm64</c>, or <c>oci</c> for one of all) to image, as written.</summary>
    public IReadOnlyDictionary<string, string> Images { get; private init; } = new Dictionary<string, string>();

    public string Cpu { get; private init; } = "1";

    public string MemoryGb { get; private init; } = "2";

    public TimeSpan? Timeout { get; private init; }

    public string Model { get; private init; } = "";

    public IReadOnlyList<string> Adapters { get; private init; } = [];

    /// <summary>What models cost, whichever provider answers.</summary>
    public PriceTable Prices { get; private init; } = PriceTable.Empty;

    /// <summary>Whether there is an image and each one is pinned.</summary>
    public bool IsPinned => Images.Count > 0 && Images.Values.All(image => ImageRef.TryParse(image, out _));

    /// <summary>Reads the file of a processor.</summary>
    /// <param name="folder">The registry's folder.</param>
    /// <param name="reference">Which processor, like <c>llm/litellm@1</c>.</param>
    /// <param name="last">What was read before; given back while the file says the same.</param>
    /// <exception cref="ProcessorException">There is none, or it is wrong; the message names file and line.</exception>
    public static RegistryFile Load(string folder, string reference, RegistryFile? last = null)
    {
        if (!ProcessorRef.TryParse(reference, out ProcessorRef? parsed))
        {
            throw new ProcessorException(RunErrors.Inputs, "A processor is named like llm/litellm@1.");
        }

        string path = System.IO.Path.Combine(
            folder, parsed.Namespace, parsed.Name, parsed.Version.ToString(CultureInfo.InvariantCulture), "registry.yaml");
        try
        {
            string text = File.ReadAllText(path);
            return last is not null && last._text == text && last.Path == path ? last : Parse(text, path, parsed);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new ProcessorException(
                RunErrors.Inputs, $"There is no registry file of {parsed}: {path} cannot be read.");
        }
        catch (YamlConfigurationException wrong)
        {
            throw new ProcessorException(RunErrors.Validation, wrong.Message);
        }
    }

    private static RegistryFile Parse(string text, string path, ProcessorRef expected)
    {
        IReadOnlyList<YamlEntry> entries = CoachYaml.Read(text, path);
        var values = entries.ToDictionary(entry => entry.Key, entry => entry, StringComparer.OrdinalIgnoreCase);
        string? Value(string key) => values.GetValueOrDefault(key)?.Value is { Length: > 0 } value ? value : null;
        if (Value("ref") is { } written && written != expected.ToString())
        {
            throw new YamlConfigurationException(path, values["ref"].Line, $"'ref' is {written}, not {expected}");
        }

        TimeSpan? timeout = null;
        if (Value("runtime:timeout_s") is { } seconds)
        {
            bool isWhole = int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out int whole);
            timeout = isWhole && whole > 0
                ? TimeSpan.FromSeconds(whole)
                : throw new YamlConfigurationException(
                    path, values["runtime:timeout_s"].Line, "'timeout_s' is a whole number of seconds above 0");
        }

        return new RegistryFile(expected, path, text, SecretManifestYaml.FromEntries(entries, path))
        {
            Images = ReadImages(entries),
            Cpu = Value("runtime:cpu") ?? "1",
            MemoryGb = Value("runtime:memory_gb") ?? "2",
            Timeout = timeout,
            Model = Value("model") ?? "",
            Adapters = [.. entries
                .Where(entry => entry.Key.StartsWith("adapters:", StringComparison.OrdinalIgnoreCase))
                .Select(entry => entry.Value ?? "")],
            Prices = ReadPrices(entries, path),
        };
    }

    private static Dictionary<string, string> ReadImages(IReadOnlyList<YamlEntry> entries)
    {
        const string Platforms = "image:platforms:";
        var images = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (YamlEntry entry in entries.Where(entry => !string.IsNullOrEmpty(entry.Value)))
        {
            if (entry.Key.StartsWith(Platforms, StringComparison.OrdinalIgnoreCase))
            {
                images[entry.Key[Platforms.Length..]] = entry.Value!;
            }
            else if (entry.Key.Equals("image:oci", StringComparison.OrdinalIgnoreCase))
            {
                images["oci"] = entry.Value!;
            }
        }

        return images;
    }

    // Rounded up: what costs a little is not free.
    private static long Micros(decimal dollars) => (long)Math.Ceiling(dollars * MicroAmount.PerUnit);

    // prices: a list of { model, input, output }.
    private static PriceTable ReadPrices(IReadOnlyList<YamlEntry> entries, string path)
    {
        var prices = new Dictionary<string, ModelPrice>(StringComparer.Ordinal);
        IEnumerable<IGrouping<string, YamlEntry>> items = entries
            .Where(entry => entry.Key.StartsWith("prices:", StringComparison.OrdinalIgnoreCase))
            .GroupBy(entry => entry.Key.Split(':')[1], StringComparer.Ordinal);
        foreach (IGrouping<string, YamlEntry> item in items)
        {
            string? Field(string name) => item.FirstOrDefault(
                entry => entry.Key.EndsWith(':' + name, StringComparison.OrdinalIgnoreCase))?.Value;
            if (Field("model") is not { Length: > 0 } model
                || !decimal.TryParse(Field("input"), CultureInfo.InvariantCulture, out decimal input)
                || !decimal.TryParse(Field("output"), CultureInfo.InvariantCulture, out decimal output)
                || input is < 0 or > MaxPrice || output is < 0 or > MaxPrice)
            {
                throw new YamlConfigurationException(
                    path, item.First().Line, "a price has 'model', and 'input' and 'output' in dollars a million tokens");
            }

            prices[model] = new ModelPrice
            {
                Provider = ProviderNames.OpenAI,
                Model = model,
                Currency = Currency,
                Input = Micros(input),
                Output = Micros(output),
            };
        }

        return new PriceTable(
            prices.Values.Concat(prices.Values.Select(
                price => price with { Provider = ProviderNames.OpenAICompatible.ToLowerInvariant() })),
            Currency);
    }
}
