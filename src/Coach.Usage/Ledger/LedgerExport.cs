using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Coach.Usage;

/// <summary>Writes entries for books and spreadsheets.</summary>
public static class LedgerExport
{
    private static readonly string[] Columns =
    [
        "at", "account", "sequence", "kind", "micros", "currency", "priced", "estimated", "provider", "model",
        "inputTokens", "cachedInputTokens", "cacheWriteTokens", "outputTokens", "reasoningTokens", "audioInputTokens",
        "audioOutputTokens", "images", "embeddingTokens", "requests", "outcome", "reference", "key", "hash",
    ];

    /// <summary>Writes comma-separated values with a header (RFC 4180, UTF-8, CR LF).</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>A task that ends when all is written.</returns>
    /// <remarks>A text that a spreadsheet would take for a formula gets an apostrophe before it.</remarks>
    public static async Task WriteCsvAsync(
        IAsyncEnumerable<LedgerEntry> entries, Stream output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(output);
        var writer = new StreamWriter(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\r\n" };
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteLineAsync(string.Join(',', Columns).AsMemory(), cancellationToken).ConfigureAwait(false);
            await foreach (LedgerEntry entry in entries.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                string line = string.Join(',', Values(entry).Select(value => value switch
                {
                    string text => Quote(text),
                    bool flag => flag ? "true" : "false",
                    _ => Convert.ToString(value, CultureInfo.InvariantCulture),
                }));
                await writer.WriteLineAsync(line.AsMemory(), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Writes one JSON object a line (UTF-8, LF), with the names of the columns of
    /// <see cref="WriteCsvAsync"/>.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="output">Where to.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>A task that ends when all is written.</returns>
    public static async Task WriteJsonLinesAsync(
        IAsyncEnumerable<LedgerEntry> entries, Stream output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(output);
        using var buffer = new MemoryStream();
        await foreach (LedgerEntry entry in entries.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            buffer.SetLength(0);
            WriteJson(entry, buffer);
            buffer.WriteByte((byte)'\n');
            await output.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private static void WriteJson(LedgerEntry entry, MemoryStream buffer)
    {
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        foreach ((string name, object value) in Columns.Zip(Values(entry)))
        {
            switch (value)
            {
                case string text:
                    json.WriteString(name, text);
                    break;
                case bool flag:
                    json.WriteBoolean(name, flag);
                    break;
                default:
                    json.WriteNumber(name, (long)value);
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static object[] Values(LedgerEntry entry) =>
    [
        entry.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        entry.Account, entry.Sequence, Name(entry.Kind), entry.Amount.Micros, entry.Amount.Currency, entry.IsPriced,
        entry.IsEstimated, entry.Provider, entry.Model, entry.Counts.Input, entry.Counts.CachedInput,
        entry.Counts.CacheWrite, entry.Counts.Output, entry.Counts.Reasoning, entry.Counts.AudioInput,
        entry.Counts.AudioOutput, entry.Counts.Images, entry.Counts.Embedding, entry.Counts.Requests,
        Name(entry.Outcome), entry.Reference, entry.Key, entry.Hash,
    ];

    private static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static string Quote(string text)
    {
        string safe = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r' ? "'" + text : text;
        return safe.AsSpan().ContainsAny(",\"\r\n")
            ? "\"" + safe.Replace("\"", "\"\"", StringComparison.Ordinal) + "\""
            : safe;
    }
}
