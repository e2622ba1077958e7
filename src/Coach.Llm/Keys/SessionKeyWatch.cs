using System.Collections.Concurrent;
using Coach.Llm.Core;
using Coach.Llm.Keys;
using Coach.Llm.Resilience;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm;

/// <summary>
/// What became of keys in the middle of their sessions. A key that a provider refuses to a running session is checked
/// once more, and what is then known of it stands here until the session stores it again or a call with it succeeds.
/// Other keys, also the same one in another session, are not touched.
/// </summary>
/// <remarks>Safe for concurrent use. Knows what this process's calls met with.</remarks>
public sealed class SessionKeyWatch : IKeyWatch
{
    private const int MaxModels = 200;
    private const int MaxProviders = 50;

    private readonly ExpiringCache<(string Session, ApiKey Key), KeyValidation> _marks;
    private readonly ExpiringCache<(string Session, ApiKey Key), bool> _checked;
    private readonly ExpiringCache<(string Session, ApiKey Key), IReadOnlyList<KeyModel>> _models;
    private readonly ConcurrentDictionary<string, IReadOnlyList<KeyModel>> _lastModels = new(StringComparer.Ordinal);
    private readonly SingleFlight<(string Session, ApiKey Key), KeyValidation> _flights = new();
    private readonly IApiKeyValidator _validator;
    private readonly ISessionKeyStore _keys;
    private readonly ILogger<SessionKeyWatch> _logger;

    internal SessionKeyWatch(
        IApiKeyValidator validator, ISessionKeyStore keys, IOptions<CoachLlmOptions> options, TimeProvider time,
        ILogger<SessionKeyWatch> logger)
    {
        (_validator, _keys, _logger) = (validator, keys, logger);
        CoachLlmOptions settings = options.Value;
        _marks = new(settings.Sessions.MaxSessions, time) { Lifetime = settings.Sessions.AbsoluteExpiration };
        _models = new(settings.Sessions.MaxSessions, time) { Lifetime = settings.Sessions.AbsoluteExpiration };
        _checked = new(settings.Sessions.MaxSessions, time) { Lifetime = TimeSpan.FromMinutes(1) };
    }

    /// <summary>What a session's key was found to be since a provider refused it.</summary>
    /// <param name="session">The session.</param>
    /// <param name="key">One of its keys.</param>
    /// <returns>The outcome of the check that followed; null if no call of this process was refused.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public KeyValidation? Find(SessionId session, ApiKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _marks.Count > 0 && _marks.TryGet((session.Value, key), out KeyValidation? mark) ? mark : null;
    }

    /// <summary>Remembers the models that a session's key has, for this process; at most 200 of them.</summary>
    /// <param name="session">The session.</param>
    /// <param name="key">One of its keys.</param>
    /// <param name="models">The models that the key's check listed.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public void SetModels(SessionId session, ApiKey key, IReadOnlyList<KeyModel> models)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(models);
        if (models.Count == 0)
        {
            _models.Remove((session.Value, key));
            return;
        }

        // Most keys of a provider have the same models: they share one list.
        KeyModel[] first = [.. models.Take(MaxModels)];
        IReadOnlyList<KeyModel> shared = _lastModels.TryGetValue(key.Provider, out IReadOnlyList<KeyModel>? last)
            && last.SequenceEqual(first)
                ? last
                : first;
        if (_lastModels.Count < MaxProviders || _lastModels.ContainsKey(key.Provider))
        {
            _lastModels[key.Provider] = shared;
        }

        _models.Set((session.Value, key), shared);
    }

    /// <summary>The models that a session's key had when it was entered, as far as this process knows.</summary>
    /// <param name="session">The session.</param>
    /// <param name="key">One of its keys.</param>
    /// <returns>The models; empty when none are known.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public IReadOnlyList<KeyModel> Models(SessionId session, ApiKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _models.TryGet((session.Value, key), out IReadOnlyList<KeyModel>? models) ? models : [];
    }

    // The list is asked for only then, and remembered with the key's check. Advice is a courtesy: without a list the
    // failure stays as it is.
    async ValueTask<LlmException> IKeyWatch.AdvisedAsync(
        SessionId session, ApiKey key, LlmException failure, string model, CancellationToken cancellationToken)
    {
        KeyValidation known = await CheckAsync(session, key, failure, cancellationToken).ConfigureAwait(false);
        return failure.WithNearestModels(NearestModels.Of(model, known.Models.Select(one => one.Id)));
    }

    void IKeyWatch.Accepted(SessionId session, ApiKey key) => Clear(session, key);

    /// <summary>Checks a key that a provider refused to a session, once however many calls were refused.</summary>
    async ValueTask IKeyWatch.RefusedAsync(
        SessionId session, ApiKey key, LlmException failure, CancellationToken cancellationToken)
    {
        (string, ApiKey) id = (session.Value, key);
        if (_marks.TryGet(id, out _) || _checked.TryGet(id, out _))
        {
            return;
        }

        // A key that the session does not hold, or no more, is nobody's to enter again.
        IReadOnlyList<ApiKey> held = await _keys.ListAsync(session, cancellationToken).ConfigureAwait(false);
        if (!held.Contains(key))
        {
            return;
        }

        await _flights.RunAsync(id, async abandoned =>
        {
            (_validator as ApiKeyValidator)?.Forget(key, session.Value);
            KeyValidation outcome = await CheckAsync(session, key, failure, abandoned).ConfigureAwait(false);
            _checked.Set(id, true);
            if (outcome is { IsValid: true, IsAuthentic: true })
            {
                return outcome; // the refusal was not the key's fault
            }

            // Where the check says nothing about the key, the call's word stands.
            KeyValidation mark = outcome.IsAuthentic is null ? Of(key, failure) : outcome;
            _marks.Set(id, mark);
            _logger.KeyRefusedInSession(key.Fingerprint, key.Provider, mark.Status);
            return mark;
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets what was found: the session stored the key again, or a call with it was answered.</summary>
    /// <param name="session">The session.</param>
    /// <param name="key">One of its keys.</param>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public void Clear(SessionId session, ApiKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_marks.Count > 0)
        {
            _marks.Remove((session.Value, key));
        }
    }

    private async Task<KeyValidation> CheckAsync(
        SessionId session, ApiKey key, LlmException failure, CancellationToken cancellationToken)
    {
        try
        {
            return await _validator.ValidateAsync(key, session.Value, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or OutOfMemoryException))
        {
            _logger.ProbeThrew(key.Provider, exception.GetType().Name);
            return Of(key, failure);
        }
    }

    private static KeyValidation Of(ApiKey key, LlmException failure) =>
        new(failure.KeyStatus ?? KeyStatus.Unavailable, failure.Message, IsAuthentic: false)
        {
            Provider = key.Provider,
            Fingerprint = key.Fingerprint,
        };
}
