using System.Globalization;
using System.Text.Json;
using Coach.Usage.Prices;

namespace Coach.Usage;

/// <summary>
/// Dated prices of models, from a JSON file whose schema is <see cref="Schema"/>. Immutable: a change is a new table.
/// </summary>
public sealed class PriceTable
{
    private const int LargestFile = 4 * 1024 * 1024;

    // A million units for a million tokens; more is a slip of the decimal point.
    private const long HighestRate = 1_000_000 * MicroAmount.PerUnit;

    private readonly Dictionary<string, ModelPrice[]> _exact = new(StringComparer.Ordinal);
    private readonly ModelPrice[] _prefixes;

    /// <summary>Makes a table.</summary>
    /// <param name="prices">The prices, all in one currency, in any order.</param>
    /// <param name="currency">The currency; three letters.</param>
    /// <param name="source">Where they were read, such as a provider's page; null if not said.</param>
    /// <param name="date">When they were read there; null if not said.</param>
    /// <param name="ceiling">What a model without a price is taken to cost with
    /// <see cref="UnknownPricePolicy.Ceiling"/>; null for none.</param>
    /// <exception cref="ArgumentException">A price has another currency, or two prices say different things of the same
    /// model and day.</exception>
    public PriceTable(
        IEnumerable<ModelPrice> prices, string currency, string? source = null, DateOnly? date = null,
        ModelPrice? ceiling = null)
    {
        ArgumentNullException.ThrowIfNull(prices);
        Currency = MicroAmount.CheckCurrency(currency);
        (Source, Date, Ceiling) = (source, date, ceiling);
        ModelPrice[] all = [.. prices];
        if (all.Append(ceiling).FirstOrDefault(price => price is not null && price.Currency != Currency) is { } other)
        {
            throw new ArgumentException(
                $"The price of {other.Provider}/{other.Model} is in {other.Currency}, the table in {Currency}.",
                nameof(prices));
        }

        var names = new HashSet<(string, string, DateOnly, long)>();
        foreach (ModelPrice price in all)
        {
            if (!names.Add((price.Provider, price.Model, price.From, price.OverInputTokens)))
            {
                throw new ArgumentException(
                    $"There are two prices of {price.Provider}/{price.Model} from {price.From:yyyy-MM-dd}; keep one.",
                    nameof(prices));
            }
        }

        Prices = all;
        foreach (IGrouping<string, ModelPrice> model in all.Where(price => !IsPrefix(price)).GroupBy(KeyOf))
        {
            _exact.Add(model.Key, [.. model]);
        }

        _prefixes = [.. all.Where(IsPrefix).OrderByDescending(price => price.Model.Length)];
    }

    /// <summary>A table without prices: every cost is unknown.</summary>
    public static PriceTable Empty { get; } = new([], "usd");

    /// <summary>The JSON schema of the file, draft 2020-12.</summary>
    public static string Schema => PriceTableSchema.Text;

    /// <summary>The currency of all prices.</summary>
    public string Currency { get; }

    /// <summary>Where the prices were read; null if not said.</summary>
    public string? Source { get; }

    /// <summary>When they were read there; null if not said.</summary>
    public DateOnly? Date { get; }

    /// <summary>What a model without a price is taken to cost; null for none.</summary>
    public ModelPrice? Ceiling { get; }

    /// <summary>All prices.</summary>
    public IReadOnlyList<ModelPrice> Prices { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; at most 4 MiB.</param>
    /// <returns>The table.</returns>
    /// <exception cref="FormatException">It is no such file; the message says where and why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static PriceTable Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = File.OpenRead(path);
        if (file.Length > LargestFile)
        {
            throw new FormatException($"The price file is larger than {LargestFile} bytes.");
        }

        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return Parse(bytes);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="json">UTF-8, with or without a byte order mark.</param>
    /// <returns>The table.</returns>
    /// <exception cref="FormatException">It is no such text; the message says where and why.</exception>
    public static PriceTable Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        try
        {
            var options = new JsonDocumentOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
            };
            using var document = JsonDocument.Parse(json, options);
            return Read(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw new FormatException(
                $"The price file is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.",
                exception);
        }
        catch (ArgumentException exception)
        {
            throw new FormatException(exception.Message, exception);
        }
    }

    /// <summary>Finds a model's price on a day.</summary>
    /// <param name="provider">The provider; compared in lower case.</param>
    /// <param name="model">The model as it was asked for or as the provider named it. <c>models/</c> before it and a
    /// date or <c>-latest</c> behind it are looked past where the whole name has no price.</param>
    /// <param name="at">When the call is made.</param>
    /// <param name="inputTokens">How much goes in, for prices of long contexts.</param>
    /// <returns>The price; null if it is not known.</returns>
    public ModelPrice? Find(string provider, string model, DateTimeOffset at, long inputTokens = 0)
    {
        ArgumentNullException.ThrowIfNull(provider);
        ArgumentNullException.ThrowIfNull(model);
        provider = provider.ToLowerInvariant();
        string name = model.StartsWith("models/", StringComparison.Ordinal) ? model[7..] : model;
        var day = DateOnly.FromDateTime(at.UtcDateTime);
        return FindExact(provider, name, day, inputTokens)
            ?? FindExact(provider, ModelVersion.Strip(name), day, inputTokens)
            ?? Best(
                _prefixes.Where(price => price.Provider == provider
                    && name.AsSpan().StartsWith(price.Model.AsSpan(0, price.Model.Length - 1))),
                day, inputTokens);
    }

    private static PriceTable Read(JsonElement root)
    {
        JsonObjectReader file = new(root, "the price file");
        file.Allow("$schema", "version", "source", "date", "currency", "prices", "ceiling");
        if (file.Long("version") is not 1)
        {
            throw new FormatException("The price file's version is not 1.");
        }

        string currency = file.Text("currency") ?? throw new FormatException("The price file names no currency.");
        currency = MicroAmount.CheckCurrency(currency);
        if (!root.TryGetProperty("prices", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("The price file has no array 'prices'.");
        }

        ModelPrice? ceiling = root.TryGetProperty("ceiling", out JsonElement highest)
            ? ReadPrice(highest, "ceiling", currency, isCeiling: true)
            : null;
        ModelPrice[] prices =
        [
            .. list.EnumerateArray().Select((price, index) => ReadPrice(
                price, string.Create(CultureInfo.InvariantCulture, $"prices[{index}]"), currency, isCeiling: false)),
        ];
        return new PriceTable(prices, currency, file.Text("source"), file.Date("date"), ceiling);
    }

    private static ModelPrice ReadPrice(JsonElement json, string place, string currency, bool isCeiling)
    {
        JsonObjectReader price = new(json, place);
        price.Allow(
            "provider", "model", "from", "overInputTokens", "input", "cachedInput", "cacheWrite", "output", "reasoning",
            "audioInput", "audioOutput", "embedding", "image", "request", "note");
        string? provider = isCeiling ? "*" : price.Text("provider");
        string? model = isCeiling ? "*" : price.Text("model");
        if (string.IsNullOrWhiteSpace(provider) || string.IsNullOrWhiteSpace(model))
        {
            throw new FormatException($"{place} names no provider or no model.");
        }

        bool isFree = json.EnumerateObject().All(member => member.Name is "provider" or "model" or "from" or "note");
        return isFree
            ? throw new FormatException($"{place} has no rate; write 0 for what costs nothing.")
            : new ModelPrice
            {
                Provider = provider.ToLowerInvariant(),
                Model = model,
                From = price.Date("from") ?? DateOnly.MinValue,
                OverInputTokens = price.Long("overInputTokens") ?? 0,
                Currency = currency,
                Input = price.Rate("input", HighestRate) ?? 0,
                CachedInput = price.Rate("cachedInput", HighestRate),
                CacheWrite = price.Rate("cacheWrite", HighestRate),
                Output = price.Rate("output", HighestRate) ?? 0,
                Reasoning = price.Rate("reasoning", HighestRate),
                AudioInput = price.Rate("audioInput", HighestRate),
                AudioOutput = price.Rate("audioOutput", HighestRate),
                Embedding = price.Rate("embedding", HighestRate),
                Image = price.Rate("image", HighestRate) ?? 0,
                Request = price.Rate("request", HighestRate) ?? 0,
            };
    }

    private static bool IsPrefix(ModelPrice price) => price.Model.EndsWith('*');

    private static string KeyOf(ModelPrice price) => KeyOf(price.Provider, price.Model);

    private static string KeyOf(string provider, string model) => provider + "\n" + model;

    private ModelPrice? FindExact(string provider, string model, DateOnly day, long inputTokens) =>
        _exact.TryGetValue(KeyOf(provider, model), out ModelPrice[]? prices) ? Best(prices, day, inputTokens) : null;

    // The longest prefix, of it the latest day, of that the highest threshold.
    private static ModelPrice? Best(IEnumerable<ModelPrice> prices, DateOnly day, long inputTokens)
    {
        ModelPrice? best = null;
        foreach (ModelPrice price in prices)
        {
            if (price.From > day || (price.OverInputTokens > 0 && inputTokens <= price.OverInputTokens))
            {
                continue;
            }

            if (best is null
                || (price.Model.Length == best.Model.Length
                    && (price.From, price.OverInputTokens).CompareTo((best.From, best.OverInputTokens)) > 0))
            {
                best = price;
            }
        }

        return best;
    }
}
