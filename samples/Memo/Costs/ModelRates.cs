using Coach.Llm;
using Coach.Usage;
using Memo.Configuration;

namespace Memo.Costs;

/// <summary>
/// What models cost: the price file of Coach.Usage where one is named, and the prices of llm.yaml for all that stands
/// not in it.
/// </summary>
internal sealed class ModelRates : IPriceSource
{
    private readonly SettingsStore _settings;
    private readonly FilePriceSource? _file;
    private (MemoSettings Settings, PriceTable? File, PriceTable Table)? _made;

    /// <exception cref="InvalidOperationException">The price file cannot be used.</exception>
    public ModelRates(SettingsStore settings, string? file, TimeProvider time, ILogger<FilePriceSource> logger)
    {
        _settings = settings;
        try
        {
            _file = file is null ? null : new FilePriceSource(file, time, logger);
        }
        catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"Coach:Usage:PriceFile: {exception.Message}", exception);
        }

        if (_file?.Current.Currency is { } currency and not "usd")
        {
            throw new InvalidOperationException(
                $"Coach:Usage:PriceFile has prices in {currency}; the limits of llm.yaml are in usd. Give prices in usd.");
        }
    }

    public PriceTable Current
    {
        get
        {
            (MemoSettings settings, PriceTable? file) = (_settings.Current, _file?.Current);
            if (_made is { } made && made.Settings == settings && ReferenceEquals(made.File, file))
            {
                return made.Table;
            }

            PriceTable table = Make(settings.Llm, file);
            _made = (settings, file, table);
            return table;
        }
    }

    private static PriceTable Make(LlmSettings llm, PriceTable? file)
    {
        ModelPrice rest = Price("*", llm);
        return file is null
            ? new PriceTable(
                [Price(ProviderNames.Anthropic, llm), Price(ProviderNames.OpenAI, llm)], "usd", "llm.yaml", null, rest)
            : new PriceTable(file.Prices, "usd", file.Source, file.Date, file.Ceiling ?? rest);
    }

    private static ModelPrice Price(string provider, LlmSettings llm) => new()
    {
        Provider = provider,
        Model = "*",
        Currency = "usd",
        Input = (long)(llm.InputPrice * MicroAmount.PerUnit),
        Output = (long)(llm.OutputPrice * MicroAmount.PerUnit),
    };
}
