using Coach.Llm.Core;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Coach.Llm.Resilience;

/// <summary>
/// Retries and the circuit of one provider and key class, shared by all its sessions: circuit breaker round retry round one attempt, so
/// that a call counts once, however often it was tried. Quota exhaustion, refused keys and wrong requests pass through at once.
/// </summary>
internal sealed class ResiliencePolicy
{
    /// <summary>The time over which the circuit counts.</summary>
    internal static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private static readonly ResiliencePropertyKey<CallBudget> Budget = new("coach.budget");
    private static readonly ResiliencePropertyKey<TimeSpan> Wait = new("coach.wait");

    private readonly ResiliencePipeline _pipeline;
    private readonly CircuitBreakerStateProvider? _circuit;
    private readonly LlmRequestOptions _options;
    private readonly Jitter _jitter;
    private readonly LlmTelemetry _telemetry;
    private readonly ILogger _logger;

    public ResiliencePolicy(string provider, KeyOwnership keyClass, LlmRequestOptions options, TimeProvider time, Jitter jitter, LlmTelemetry telemetry, ILogger logger)
    {
        Provider = provider;
        KeyOwnership = keyClass;
        Time = time;
        _options = options;
        _jitter = jitter;
        _telemetry = telemetry;
        _logger = logger;
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.CircuitMinimumCalls > 0)
        {
            _circuit = new CircuitBreakerStateProvider();
            builder.AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = options.CircuitFailureRatio,
                MinimumThroughput = options.CircuitMinimumCalls,
                SamplingDuration = Window,
                BreakDuration = options.CircuitBreak,
                StateProvider = _circuit,
                ShouldHandle = arguments => ValueTask.FromResult(IsProvidersTrouble(arguments)),
                OnOpened = arguments =>
                {
                    _logger.CircuitOpened(Provider, KeyOwnership, arguments.BreakDuration.TotalSeconds);
                    return default;
                },
            });
        }

        if (options.MaxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.MaxRetries,
                MaxDelay = options.MaxRetryDelay,
                ShouldHandle = arguments => ValueTask.FromResult(MayRetry(arguments)),
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(arguments.Context.Properties.GetValue(Wait, TimeSpan.Zero)),
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

    /// <summary>Whether calls are refused now without asking the provider.</summary>
    public bool IsOpen => _circuit is { CircuitState: CircuitState.Open or CircuitState.Isolated };

    /// <summary>Runs attempts until one succeeds, none is left, or the budget is spent.</summary>
    /// <exception cref="LlmException">The last attempt's failure, an open circuit, or the total limit passed.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> attempt, CallBudget budget)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, budget.Token);
        context.Properties.Set(Budget, budget);
        try
        {
            return await _pipeline.ExecuteAsync(
                static async (context, attempt) => await attempt(context.CancellationToken).ConfigureAwait(false), context, attempt).ConfigureAwait(false);
        }
        catch (BrokenCircuitException exception)
        {
            throw LlmException.CircuitOpen(Provider, exception.RetryAfter);
        }
        catch (OperationCanceledException) when (budget.IsSpent)
        {
            throw budget.TimedOut(Provider);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Whether another try may help. What Coach itself refused, and what the key or the request is to blame for, is not tried again.</summary>
    internal static bool IsRetryable(Exception? exception) => exception is LlmException
    {
        IsTransient: true,
        Error: not (LlmError.LocalLimit or LlmError.SessionLimit or LlmError.QuotaExhausted),
    };

    private bool MayRetry(RetryPredicateArguments<object> arguments)
    {
        if (!IsRetryable(arguments.Outcome.Exception) || !arguments.Context.Properties.TryGetValue(Budget, out CallBudget? budget) || budget.IsSpent)
        {
            return false;
        }

        var exception = (LlmException)arguments.Outcome.Exception!;
        TimeSpan wait = exception.RetryAfter ?? Backoff(arguments.AttemptNumber);
        if (wait > _options.MaxRetryDelay || wait >= budget.Remaining)
        {
            return false; // to wait only to be cut off would tell the caller later, and less
        }

        arguments.Context.Properties.Set(Wait, wait);
        return true;
    }

    private TimeSpan Backoff(int attempt)
    {
        TimeSpan doubled = _options.RetryDelay * Math.Pow(2, attempt);
        TimeSpan wait = _jitter.Spread(doubled < _options.MaxRetryDelay ? doubled : _options.MaxRetryDelay);
        return wait < _options.MaxRetryDelay ? wait : _options.MaxRetryDelay;
    }

    // One user's rate limit is that user's affair; the platform's own key is shared, so its limit is everyone's.
    private bool IsProvidersTrouble(CircuitBreakerPredicateArguments<object> arguments) => arguments.Outcome.Exception switch
    {
        LlmException failure => IsProvidersTrouble(failure),
        OperationCanceledException => arguments.Context.Properties.TryGetValue(Budget, out CallBudget? budget) && budget.IsSpent,
        _ => false,
    };

    private bool IsProvidersTrouble(LlmException failure) =>
        failure.Error is LlmError.Unavailable or LlmError.Unreachable or LlmError.TimedOut or LlmError.StreamInterrupted
        || (failure.Error is LlmError.ProviderFailed && failure.HttpStatus is >= 500)
        || (failure.Error is LlmError.RateLimited && KeyOwnership == KeyOwnership.Platform);

    private void Retried(OnRetryArguments<object> arguments)
    {
        LlmError error = arguments.Outcome.Exception is LlmException exception ? exception.Error : LlmError.ProviderFailed;
        _telemetry.Retried(Provider, error);
        _logger.RetryScheduled(Provider, error, arguments.AttemptNumber + 2, arguments.RetryDelay.TotalSeconds);
    }
}
