using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.SessionKeys;

/// <summary>
/// Session keys, sealed with Data Protection, in any <see cref="IDistributedCache"/>: one entry per session and
/// provider, and one beside it for the time of last use, so that a touch never writes a key and cannot bring back one
/// that was replaced or removed meanwhile. Both lifetimes are checked at every read, so they hold whatever the cache
/// makes of its own expiry. An entry that does not open at its place is removed.
/// </summary>
internal sealed partial class DistributedSessionKeyStore : ISessionKeyStore
{
    private const string Prefix = "coach:session-keys:v1:";

    private readonly StoreCache _cache;
    private readonly SessionKeyEnvelope _envelope;
    private readonly LlmSessionOptions _lifetimes;
    private readonly TimeSpan _touchInterval;
    private readonly TimeProvider _time;
    private readonly ILogger<DistributedSessionKeyStore> _logger;
    private readonly string _application;
    // For the gauge alone; the keys themselves are nowhere but in the cache.
    private readonly ExpiringCache<string, bool> _seen;

    public DistributedSessionKeyStore(
        IDistributedCache cache, IDataProtectionProvider protection, IOptions<DistributedSessionKeyOptions> options,
        IOptions<CoachLlmOptions> llm, TimeProvider time, ILogger<DistributedSessionKeyStore> logger)
    {
        (_cache, _time, _logger, _lifetimes) = (new StoreCache(cache, time), time, logger, llm.Value.Sessions);
        _application = options.Value.Application;
        _seen = new ExpiringCache<string, bool>(_lifetimes.MaxSessions, time)
        {
            IdleLifetime = _lifetimes.SlidingExpiration,
            WhenFull = WhenFull.Refuse,
        };
        _envelope = new SessionKeyEnvelope(protection, _application);
        TimeSpan tenth = _lifetimes.SlidingExpiration / 10;
        _touchInterval = options.Value.TouchInterval < tenth ? options.Value.TouchInterval : tenth;
    }

    /// <summary>Sessions whose keys this process has set or read and that may still be alive.</summary>
    public int SessionCount
    {
        get
        {
            _seen.RemoveExpired();
            return _seen.Count;
        }
    }

    public async ValueTask SetAsync(SessionId session, ApiKey key, CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var expiry = new DistributedCacheEntryOptions
        {
            // Caches differ in what they make of both together. Whichever one holds, what is read is checked.
            AbsoluteExpirationRelativeToNow = _lifetimes.AbsoluteExpiration,
            SlidingExpiration = _lifetimes.SlidingExpiration,
        };
        await _cache.SetAsync(
            EntryOf(session, key.Provider),
            _envelope.Seal(session, new SealedKey(key, now, now)),
            expiry,
            cancellationToken)
            .ConfigureAwait(false);
        if (!ProviderNames.All.Contains(key.Provider))
        {
            await AddToListAsync(session, key.Provider, cancellationToken).ConfigureAwait(false);
        }

        _seen.Set(session.Value, true);
    }

    public async ValueTask<ApiKey?> GetAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        if (await ReadAsync(session, provider.ToLowerInvariant(), cancellationToken).ConfigureAwait(false)
            is not { } content)
        {
            return null;
        }

        await UseAsync(session, content, cancellationToken).ConfigureAwait(false);
        _seen.Set(session.Value, true);
        return content.Key;
    }

    public async ValueTask<IReadOnlyList<ApiKey>> ListAsync(
        SessionId session, CancellationToken cancellationToken = default) =>
        [
            .. (await ReadAllAsync(session, cancellationToken).ConfigureAwait(false))
                .Select(content => content.Key)
                .OrderBy(key => key.Provider, StringComparer.Ordinal),
        ];

    public async ValueTask<bool> RemoveAsync(
        SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        provider = provider.ToLowerInvariant();
        bool existed = await ReadAsync(session, provider, cancellationToken).ConfigureAwait(false) is not null;
        await RemoveEntriesAsync(session, provider, cancellationToken).ConfigureAwait(false);
        return existed;
    }

    public async ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        IEnumerable<string> providers = await ProvidersOfAsync(session, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(providers.Select(provider => RemoveEntriesAsync(session, provider, cancellationToken)))
            .ConfigureAwait(false);
        await _cache.RemoveAsync(ListOf(session), cancellationToken).ConfigureAwait(false);
        _seen.Remove(session.Value);
    }

    public async ValueTask<bool> TouchAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        SealedKey[] contents = await ReadAllAsync(session, cancellationToken).ConfigureAwait(false);
        foreach (SealedKey content in contents)
        {
            await UseAsync(session, content, cancellationToken).ConfigureAwait(false);
        }

        return contents.Length > 0;
    }

    private async Task<SealedKey[]> ReadAllAsync(SessionId session, CancellationToken cancellationToken)
    {
        IEnumerable<string> providers = await ProvidersOfAsync(session, cancellationToken).ConfigureAwait(false);
        SealedKey?[] contents = await Task.WhenAll(
            providers.Select(provider => ReadAsync(session, provider, cancellationToken)))
            .ConfigureAwait(false);
        return [.. contents.OfType<SealedKey>()];
    }

    private async Task<SealedKey?> ReadAsync(SessionId session, string provider, CancellationToken cancellationToken)
    {
        if (await _cache.GetAsync(EntryOf(session, provider), cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        if (!_envelope.TryOpen(session, provider, bytes, out SealedKey? content))
        {
            EntryRefused(_logger, provider);
        }
        else
        {
            content = await WithLastUseAsync(session, content, cancellationToken).ConfigureAwait(false);
            if (Remaining(content) > TimeSpan.Zero)
            {
                return content;
            }
        }

        await RemoveEntriesAsync(session, provider, cancellationToken).ConfigureAwait(false);
        return null;
    }

    private async Task<SealedKey> WithLastUseAsync(
        SessionId session, SealedKey content, CancellationToken cancellationToken)
    {
        if (_time.GetUtcNow() - content.UsedAt <= _touchInterval)
        {
            return content; // set so lately that no use of it was written
        }

        string entry = UseOf(session, content.Key.Provider);
        if (await _cache.GetAsync(entry, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return content;
        }

        if (_envelope.TryOpenUse(session, content.Key.Provider, bytes, out DateTimeOffset usedAt))
        {
            return usedAt > content.UsedAt ? content with { UsedAt = usedAt } : content;
        }

        EntryRefused(_logger, content.Key.Provider);
        await _cache.RemoveAsync(entry, cancellationToken).ConfigureAwait(false);
        return content;
    }

    private async Task UseAsync(SessionId session, SealedKey content, CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (now - content.UsedAt > _touchInterval)
        {
            string provider = content.Key.Provider;
            var expiry = new DistributedCacheEntryOptions
            {
                AbsoluteExpirationRelativeToNow = Remaining(content with { UsedAt = now }),
            };
            await _cache.SetAsync(
                UseOf(session, provider), _envelope.SealUse(session, provider, now), expiry, cancellationToken)
                .ConfigureAwait(false);
            await _cache.RefreshAsync(EntryOf(session, provider), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RemoveEntriesAsync(SessionId session, string provider, CancellationToken cancellationToken)
    {
        await _cache.RemoveAsync(EntryOf(session, provider), cancellationToken).ConfigureAwait(false);
        await _cache.RemoveAsync(UseOf(session, provider), cancellationToken).ConfigureAwait(false);
    }

    private TimeSpan Remaining(SealedKey content)
    {
        DateTimeOffset now = _time.GetUtcNow();
        TimeSpan absolute = content.SetAt + _lifetimes.AbsoluteExpiration - now;
        TimeSpan sliding = content.UsedAt + _lifetimes.SlidingExpiration - now;
        return absolute < sliding ? absolute : sliding;
    }

    // The names Coach knows are simply tried. Only others are listed, so that replicas which write the list at the same
    // time do no harm to the usual case.
    private async Task<IEnumerable<string>> ProvidersOfAsync(SessionId session, CancellationToken cancellationToken) =>
        ProviderNames.All.Concat(await ReadListAsync(session, cancellationToken).ConfigureAwait(false))
            .Distinct(StringComparer.Ordinal);

    private async Task<string[]> ReadListAsync(SessionId session, CancellationToken cancellationToken)
    {
        byte[]? bytes = await _cache.GetAsync(ListOf(session), cancellationToken).ConfigureAwait(false);
        try
        {
            string?[]? names = bytes is null
                ? null
                : JsonSerializer.Deserialize(bytes, ListContext.Default.StringArray);
            return
            [
                .. (names ?? []).OfType<string>()
                    .Where(name => name.Trim().Length is > 0 and <= 100)
                    .Take(_lifetimes.MaxKeysPerSession),
            ];
        }
        catch (JsonException)
        {
            await _cache.RemoveAsync(ListOf(session), cancellationToken).ConfigureAwait(false);
            return [];
        }
    }

    private async Task AddToListAsync(SessionId session, string provider, CancellationToken cancellationToken)
    {
        string[] list =
        [
            .. (await ReadListAsync(session, cancellationToken).ConfigureAwait(false))
                .Append(provider)
                .Distinct(StringComparer.Ordinal),
        ];
        await _cache.SetAsync(
            ListOf(session),
            JsonSerializer.SerializeToUtf8Bytes(list, ListContext.Default.StringArray),
            new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = _lifetimes.AbsoluteExpiration },
            cancellationToken)
            .ConfigureAwait(false);
    }

    private string EntryOf(SessionId session, string provider) => $"{ListOf(session)}:{provider}";

    private string UseOf(SessionId session, string provider) => $"{Prefix}used:{Hash(session)}:{provider}";

    private string ListOf(SessionId session) => Prefix + Hash(session);

    // The cache sees a hash of the session's handle, and no more. Applications that share a cache do not meet.
    private string Hash(SessionId session) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_application}\n{session.Value}")));

    [LoggerMessage(
        6200,
        LogLevel.Warning,
        "A stored key of provider {Provider}, or the time of its last use, did not open at its place (tampered, "
        + "truncated, copied, or sealed with a lost key ring) and was removed")]
    private static partial void EntryRefused(ILogger logger, string provider);

    [JsonSerializable(typeof(string[]))]
    private sealed partial class ListContext : JsonSerializerContext;
}
