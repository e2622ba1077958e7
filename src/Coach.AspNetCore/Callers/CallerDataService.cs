using System.Text.Json;
using Coach.Abstractions;

namespace Coach.AspNetCore;

/// <summary>All that is kept of one caller, handed out or erased in one call.</summary>
public sealed class CallerDataService
{
    private readonly ICallerData[] _parts;
    private readonly TimeProvider _time;

    internal CallerDataService(IEnumerable<ICallerData> parts, TimeProvider time)
    {
        _parts = [.. parts];
        _time = time;
    }

    /// <summary>Writes all that is kept of a caller: one JSON object with a member a kind of data.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="output">Where to; left open.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>A task that ends when it is written.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="CoachException">A store is away (<see cref="ErrorCodes.StoreUnavailable"/>); what was written
    /// by then is no whole export.</exception>
    public async Task ExportAsync(CallerContext caller, Stream output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(output);
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteString("exportedAt", _time.GetUtcNow());
        foreach (ICallerData part in _parts)
        {
            writer.WritePropertyName(part.Name);
            await part.ExportAsync(caller, writer, cancellationToken).ConfigureAwait(false);
            await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        writer.WriteEndObject();
        await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Erases all that is kept of a caller. A store that is away keeps none of the others from it.</summary>
    /// <param name="caller">Whose.</param>
    /// <param name="cancellationToken">Ends the work; what was erased stays so.</param>
    /// <returns>How many entries went, by kind of data.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="caller"/> is null.</exception>
    /// <exception cref="CoachException">A store is away (<see cref="ErrorCodes.StoreUnavailable"/>): call it again.
    /// </exception>
    public async Task<IReadOnlyDictionary<string, int>> EraseAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var erased = new Dictionary<string, int>(StringComparer.Ordinal);
        CoachException? failure = null;
        foreach (ICallerData part in _parts)
        {
            try
            {
                erased[part.Name] = await part.EraseAsync(caller, cancellationToken).ConfigureAwait(false);
            }
            catch (CoachException exception)
            {
                failure ??= exception;
            }
        }

        return failure is null ? erased : throw failure;
    }
}
