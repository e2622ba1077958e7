using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;

namespace Coach.AspNetCore.Sessions;

/// <summary>The keys of the caller's session: named by provider and fingerprint, never written.</summary>
internal sealed class SessionKeyData(ISessionKeyStore keys, ISessionClientRegistry clients) : ICallerData
{
    public string Name => "keys";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        foreach (ApiKey key in await keys.ListAsync(caller.SessionId, cancellationToken).ConfigureAwait(false))
        {
            writer.WriteStartObject();
            writer.WriteString("provider", key.Provider);
            writer.WriteString("fingerprint", key.Fingerprint);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public async Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        int held = (await keys.ListAsync(caller.SessionId, cancellationToken).ConfigureAwait(false)).Count;
        await keys.RemoveAsync(caller.SessionId, cancellationToken).ConfigureAwait(false);
        await clients.RemoveAsync(caller.SessionId, cancellationToken).ConfigureAwait(false);
        return held;
    }
}
