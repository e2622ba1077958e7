using System.Diagnostics;
using Coach.Llm.Core;
using Coach.Llm.Providers;
using Coach.Llm.Settings;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Keys;

internal sealed class ApiKeyValidator : IApiKeyValidator
{
    private const string WholeHost = "*";
    private const int MaxTenantLength = 256;

    private readonly KeyValidatorTable _validators;
    private readonly KeyMetrics _metrics;
    private readonly ILogger<ApiKeyValidator> _logger;
    private volatile KeyValidationCache _cache;
    private readonly SingleFlight<KeyValidationCacheKey, KeyValidation> _flights = new();
    private readonly bool _isMock;

    public ApiKeyValidator(
        KeyValidatorTable validators,
        IOptions<CoachLlmOptions> options,
        IOptions<CoachHostOptions> host,
        KeyMetrics metrics,
        LiveSettings live,
        TimeProvider time,
        ILogger<ApiKeyValidator> logger)
    {
        (_validators, _metrics, _logger) = (validators, metrics, logger);
        KeyValidationOptions settings = options.Value.Validation;
        _cache = New();
        live.Changed += _ => _cache = New(); // what was said of keys was said of the models that were set then
        _isMock = host.Value.Mode == HostMode.Mock;

        KeyValidationCache New() => new(settings.CacheCapacity, settings.CacheDuration, time);
    }

    public Task<KeyValidation> ValidateAsync(ApiKey? key, CancellationToken cancellationToken = default) =>
        ValidateCoreAsync(key, WholeHost, cancellationToken);

    public Task<KeyValidation> ValidateAsync(
        ApiKey? key, string tenant, CancellationToken cancellationToken = default) =>
        ValidateCoreAsync(key, Scope(tenant), cancellationToken);

    public Task<KeyValidation> ValidateAsync(
        string provider, string? key, string tenant, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        return string.IsNullOrWhiteSpace(key)
            ? ValidateCoreAsync(null, Scope(tenant), cancellationToken, provider.Trim().ToLowerInvariant())
            : ValidateCoreAsync(new ApiKey(provider, Secret.From(key)), Scope(tenant), cancellationToken);
    }

    /// <summary>Forgets what is remembered of a key, for the host and one tenant: the next check asks.</summary>
    internal void Forget(ApiKey key, string tenant)
    {
        _cache.Forget(new KeyValidationCacheKey(WholeHost, key.Provider, key.Fingerprint));
        _cache.Forget(new KeyValidationCacheKey(Scope(tenant), key.Provider, key.Fingerprint));
    }

    private static string Scope(string tenant)
    {
        ArgumentException.ThrowIfNullOrEmpty(tenant);
        return tenant.Length <= MaxTenantLength
            ? "t:" + tenant
            : throw new ArgumentException($"A tenant's name has at most {MaxTenantLength} characters.", nameof(tenant));
    }

    private async Task<KeyValidation> ValidateCoreAsync(
        ApiKey? key, string tenant, CancellationToken cancellationToken, string provider = "")
    {
        if (_isMock)
        {
            throw LlmException.RefusedInMock("No key is validated");
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (key is null)
        {
            _metrics.Validated(provider, KeyStatus.Missing);
            return new KeyValidation(
                KeyStatus.Missing, "No key was given. Enter one.", IsAuthentic: false)
            { Provider = provider };
        }

        Func<CancellationToken, Task<KeyValidation>> ask = _validators.Find(key);
        string text = key.Secret.Reveal();
        if (KeyFormat.FindProblem(text) is { } problem)
        {
            _metrics.Validated(key.Provider, KeyStatus.Malformed);
            return Complete(key, new KeyValidation(KeyStatus.Malformed, problem, IsAuthentic: false));
        }

        var question = new KeyValidationCacheKey(tenant, key.Provider, key.Fingerprint);
        if (_cache.TryGet(question, out KeyValidation? known))
        {
            return known;
        }

        return await _flights.RunAsync(question, async abandoned =>
        {
            using Activity? span = KeyCheckSpan.Start(key.Provider);
            KeyValidation outcome = Complete(key, await ask(abandoned).ConfigureAwait(false));
            KeyCheckSpan.Answered(span, outcome);
            outcome = outcome.Hint is null ? outcome with { Hint = _validators.FindHint(key.Provider, text) } : outcome;
            _cache.Keep(question, outcome);
            _metrics.Validated(key.Provider, outcome.Status);
            _logger.KeyValidated(key.Provider, key.Fingerprint, outcome.Status);
            return outcome;
        }, cancellationToken).ConfigureAwait(false);
    }

    private static KeyValidation Complete(ApiKey key, KeyValidation outcome) =>
        outcome with { Provider = key.Provider, Fingerprint = key.Fingerprint };
}
