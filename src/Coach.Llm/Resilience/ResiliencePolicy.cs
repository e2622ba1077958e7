using Coach.Llm.Core;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Coach.Llm.Resilience;

/// <summary>
/// Retries and the circuits of one provider and key class, shared by all its sessions: the key's circuit round retry
/// round one attempt, so that a call counts once, however often it was tried. Quota exhaustion, refused keys and wrong
/// requests pass through at once.
/// </summary>
internal sealed class ResiliencePolicy
{
    private static readonly ResiliencePropertyKey<Deadline> Budget = new("coach.budget");
    private static readonly ResiliencePropertyKey<TimeSpan> Wait = new("coach.wait");

    private readonly ResiliencePipeline _pipeline;
    private readonly KeyCircuits _circuits;
    private readonly LlmRequestOptions _options;
    private readonly Backoff _backoff;
    private readonly LlmTelemetry _telemetry;
    private readonly ILogger _logger;

    public ResiliencePolicy(
        string provider, KeyOwnership ownership, LlmRequestOptions options, ResilienceServices services)
    {
        Provider = provider;
        KeyOwnership = ownership;
        Time = services.Time;
        _options = options;
        _backoff = new Backoff(options.RetryDelay, options.MaxRetryDelay, services.Jitter.Next, 0.5, 1.5);
        _telemetry = services.Telemetry;
        _logger = services.Logger;
        var builder = new ResiliencePipelineBuilder { TimeProvider = Time };
        _circuits = new KeyCircuits(
            options, Time, IsProvidersTrouble, KeyOpened, Opened,
            new SharedCooldowns(services.Cooldowns, $"circuits:{provider}:{ownership}"));
        if (options.MaxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.MaxRetries,
                MaxDelay = options.MaxRetryDelay,
                ShouldHandle = arguments => ValueTask.FromResult(MayRetry(arguments)),
                DelayGenerator = arguments =>
                    ValueTask.FromResult<TimeSpan?>(arguments.Context.Properties.GetValue(Wait, TimeSpan.Zero)),
                OnRetry = arguments =>
                {
                    Retried(arguments);
                    return default;
                },
            });
        }

        _pipeline = builder.Build();
    }

    public string Provider { get; }

    public KeyOwnership KeyOwnership { get; }

    public TimeProvider Time { get; }

    public LlmRequestOptions Options => _options;

    /// <summary>
    /// Whether the provider is in trouble, not one key of many: most of several keys fail, or the host's own does.
    /// </summary>
    public bool IsOpen => _circuits.IsOpen || (KeyOwnership == KeyOwnership.Platform && _circuits.IsAnyKeyOpen);

    /// <summary>Whether calls with this key are refused now without asking the provider.</summary>
    public bool IsOpenFor(string fingerprint) => _circuits.IsOpenFor(fingerprint);

    /// <summary>The failure of a call whose whole time is spent, or of a stream that went on too long.</summary>
    public LlmException TimedOut(Deadline total, bool hasBegun = false) => LlmException.TimedOut(
        Provider, hasBegun ? "Coach:Llm:Requests:StreamTimeout" : "Coach:Llm:Requests:TotalTimeout", total.Limit);

    /// <summary>As <see cref="RunAsync{T}"/>, each attempt within its own limit.</summary>
    /// <exception cref="LlmException">The last attempt's failure, an open circuit, or a limit passed.</exception>
    public async Task<T> RunAttemptsAsync<T>(
        string fingerprint, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken,
        bool isReasoning = false)
    {
        TimeSpan extra = isReasoning ? _options.ReasoningTimeout : TimeSpan.Zero;
        using var budget = new Deadline(_options.TotalTimeout + extra, Time, cancellationToken);
        return await RunAsync(fingerprint, token => RunOneAsync(attempt, isReasoning, token), budget)
            .ConfigureAwait(false);
    }

    /// <summary>Runs attempts until one succeeds, none is left, or the budget is spent.</summary>
    /// <exception cref="LlmException">The last attempt's failure, an open circuit, or the total limit
    /// passed.</exception>
    public async Task<T> RunAsync<T>(
        string fingerprint, Func<CancellationToken, Task<T>> attempt, Deadline budget)
    {
        try
        {
            return await _circuits.RunAsync(fingerprint, () => RetryAsync(attempt, budget)).ConfigureAwait(false);
        }
        catch (BrokenCircuitException exception)
        {
            throw LlmException.CircuitOpen(Provider, exception.RetryAfter);
        }
    }

    /// <summary>
    /// Whether another try may help. What Coach itself refused, and what the key or the request is to blame for, is not
    /// tried again; nor is what took too long, because the provider may be at work on it and would be paid twice.
    /// </summary>
    internal static bool IsRetryable(Exception? exception) => exception is LlmException
    {
        IsTransient: true,
        Error: not (LlmError.LocalLimit or LlmError.SessionLimit or LlmError.QuotaExhausted or LlmError.TimedOut),
    };

    private async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> attempt, Deadline budget)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, budget.Token);
        context.Properties.Set(Budget, budget);
        try
        {
            return await _pipeline.ExecuteAsync(
                static async (context, attempt) =>
                    await attempt(context.CancellationToken).ConfigureAwait(false), context, attempt)
                    .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (budget.HasPassed)
        {
            throw TimedOut(budget);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async Task<T> RunOneAsync<T>(
        Func<CancellationToken, Task<T>> attempt, bool isReasoning, CancellationToken cancellationToken)
    {
        (string option, TimeSpan longest) = isReasoning && _options.ReasoningTimeout > _options.AttemptTimeout
            ? ("Coach:Llm:Requests:ReasoningTimeout", _options.ReasoningTimeout)
            : ("Coach:Llm:Requests:AttemptTimeout", _options.AttemptTimeout);
        using var limit = new Deadline(longest, Time, cancellationToken);
        try
        {
            return await attempt(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.HasPassed)
        {
            throw LlmException.TimedOut(Provider, option, limit.Limit);
        }
    }

    private bool MayRetry(RetryPredicateArguments<object> arguments)
    {
        if (!IsRetryable(arguments.Outcome.Exception)
            || !arguments.Context.Properties.TryGetValue(Budget, out Deadline? budget)
            || budget.HasPassed)
        {
            return false;
        }

        var exception = (LlmException)arguments.Outcome.Exception!;
        TimeSpan wait = exception.RetryAfter ?? _backoff.Wait(arguments.AttemptNumber);
        if (wait > _options.MaxRetryDelay || wait >= budget.Remaining)
        {
            return false; // to wait only to be cut off would tell the caller later, and less
        }

        arguments.Context.Properties.Set(Wait, wait);
        return true;
    }

    // One user's rate limit is that user's affair; the platform's own key is shared, so its limit is everyone's.
    private bool IsProvidersTrouble(Exception exception) =>
        exception is LlmException failure && IsProvidersTrouble(failure);

    private bool IsProvidersTrouble(LlmException failure) =>
        failure.Error is LlmError.Unavailable or LlmError.Unreachable or LlmError.TimedOut or LlmError.StreamInterrupted
        || (failure.Error is LlmError.ProviderFailed && failure.HttpStatus is >= 500)
        || (failure.Error is LlmError.RateLimited && KeyOwnership == KeyOwnership.Platform);

    private void KeyOpened(string fingerprint, TimeSpan duration)
    {
        if (KeyOwnership == KeyOwnership.Platform)
        {
            Opened(duration);
        }
        else
        {
            _logger.KeyCircuitOpened(fingerprint, Provider, duration.TotalSeconds);
        }
    }

    private void Opened(TimeSpan duration) => _logger.CircuitOpened(Provider, KeyOwnership, duration.TotalSeconds);

    private void Retried(OnRetryArguments<object> arguments)
    {
        LlmError error = arguments.Outcome.Exception is LlmException exception
            ? exception.Error
            : LlmError.ProviderFailed;
        _telemetry.Retried(Provider, error);
        _logger.RetryScheduled(Provider, error, arguments.AttemptNumber + 2, arguments.RetryDelay.TotalSeconds);
    }
}

/// <summary>What the policies of a host share.</summary>
internal sealed record ResilienceServices(
    TimeProvider Time, JitterSource Jitter, LlmTelemetry Telemetry, ILogger Logger,
    ICooldownStore? Cooldowns = null);
