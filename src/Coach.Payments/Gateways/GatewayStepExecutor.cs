using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Coach.Payments;

/// <summary>
/// Runs one step: attempts with a time limit each, retries by what the gateway says of the failure, and a deadline for all of it that
/// also cuts the attempt in flight. A wait that would pass the deadline is not begun.
/// </summary>
internal sealed class GatewayStepExecutor
{
    private static readonly ResiliencePropertyKey<StepState> StateKey = new("step");

    private readonly IPaymentGateway _gateway;
    private readonly CoachPaymentsOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<double> _jitter;
    private readonly CachedProbe _availability;
    private readonly PaymentMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ResiliencePipeline<GatewayFailure?> _pipeline;

    public GatewayStepExecutor(IPaymentGateway gateway, CoachPaymentsOptions options, TimeProvider time, Func<double> jitter,
        CachedProbe availability, PaymentMetrics metrics, ILogger logger)
    {
        _gateway = gateway;
        _options = options;
        _time = time;
        _jitter = jitter;
        _availability = availability;
        _metrics = metrics;
        _logger = logger;
        _pipeline = options.MaxRetries == 0
            ? ResiliencePipeline<GatewayFailure?>.Empty
            : new ResiliencePipelineBuilder<GatewayFailure?> { TimeProvider = time }
                .AddRetry(new RetryStrategyOptions<GatewayFailure?>
                {
                    MaxRetryAttempts = options.MaxRetries,
                    ShouldHandle = arguments => ValueTask.FromResult(ShouldRetry(arguments)),
                    DelayGenerator = static arguments => ValueTask.FromResult<TimeSpan?>(State(arguments.Context).NextDelay),
                })
                .Build();
    }

    /// <summary>When a budget that starts now ends, as a timestamp.</summary>
    public long DeadlineIn(TimeSpan budget) => _time.GetTimestamp() + (long)(budget.TotalSeconds * _time.TimestampFrequency);

    public TimeSpan Remaining(long deadline)
    {
        long left = deadline - _time.GetTimestamp();
        return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / _time.TimestampFrequency);
    }

    /// <summary>Runs a step.</summary>
    /// <param name="step">One of <see cref="PaymentSteps"/>.</param>
    /// <param name="deadline">See <see cref="DeadlineIn"/>.</param>
    /// <param name="repeat">Which failures may be repeated.</param>
    /// <param name="attempt">One attempt at the gateway.</param>
    /// <param name="cancellationToken">Ends attempts and waits at once.</param>
    public async Task<GatewayResult<T>> RunAsync<T>(
        string step, long deadline, RetryPolicy repeat, Func<CancellationToken, Task<GatewayResult<T>>> attempt, CancellationToken cancellationToken)
    {
        var state = new StepState<T>(step, deadline, repeat, attempt);
        GatewayFailure? first = await AttemptAsync(state, cancellationToken).ConfigureAwait(false);
        if (first is not { IsRetryable: true } || repeat == RetryPolicy.Never || _options.MaxRetries == 0)
        {
            return state.Conclude();
        }

        ResilienceContext context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        try
        {
            context.Properties.Set(StateKey, state);
            await _pipeline.ExecuteAsync(
                static (context, call) => call.State.TakeFirst(out GatewayFailure? first)
                    ? ValueTask.FromResult(first)
                    : call.Runner.AttemptAsync(call.State, context.CancellationToken),
                context, (Runner: this, State: state)).ConfigureAwait(false);
            return state.Conclude();
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask<GatewayFailure?> AttemptAsync<T>(StepState<T> state, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TimeSpan left = Remaining(state.Deadline);
        if (left <= TimeSpan.Zero)
        {
            // Nothing was sent; what an earlier attempt gave stays the answer.
            state.Result = state.Attempts > 0 ? state.Result : new GatewayFailure(GatewayFailureKind.Unreachable,
                "The time limit passed before the payment provider could be asked. Try again, or raise TotalTimeout.");
            return state.Result.Failure! with { IsRetryable = false };
        }

        TimeSpan allowed = left < _options.AttemptTimeout ? left : _options.AttemptTimeout;
        using var limit = new CancellationTokenSource(allowed, _time);
        using CancellationTokenRegistration ended = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), limit);
        state.Attempts++;
        try
        {
            // WaitAsync: a gateway that does not honour its token must not hold the caller.
            state.Result = await state.Attempt(limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            state.Result = new GatewayFailure(GatewayFailureKind.TimedOut,
                $"The payment provider did not answer within {allowed.TotalSeconds:0.###} s.")
            { IsRetryable = true };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // a gateway that throws has left an unknown outcome, which must be recorded as such
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.GatewayThrew(_gateway.Name, state.Step, exception);
            state.Result = new GatewayFailure(GatewayFailureKind.Unknown, "The payment gateway failed unexpectedly; see the log.");
        }

        GatewayFailure? failure = state.Result.Failure;
        state.Unknown = failure is { IsOutcomeUnknown: true } ? failure : state.Unknown;
        _metrics.Attempt(state.Step, failure);
        if (failure is null)
        {
            _availability.ReportSuccess();
        }
        else if (failure.IsOutage)
        {
            _availability.ReportOutage();
        }

        return failure;
    }

    private bool ShouldRetry(RetryPredicateArguments<GatewayFailure?> arguments)
    {
        StepState state = State(arguments.Context);
        if (arguments.Outcome.Exception is not null || arguments.Outcome.Result is not { IsRetryable: true } failure
            || (state.Repeat == RetryPolicy.OnlyIfNotExecuted && failure.IsOutcomeUnknown) || arguments.AttemptNumber >= _options.MaxRetries)
        {
            return false;
        }

        TimeSpan wait = Delay(arguments.AttemptNumber, failure.RetryAfter);
        if (wait >= Remaining(state.Deadline))
        {
            return false;
        }

        state.NextDelay = wait;
        _logger.RetryScheduled(state.Step, PaymentMetrics.NameOf(failure.Kind), arguments.AttemptNumber + 2, wait.TotalSeconds);
        return true;
    }

    // 1, 2, 4 s less up to a quarter, as Stripe's .NET SDK jitters; never less than what the provider asks for.
    private TimeSpan Delay(int retry, TimeSpan? retryAfter)
    {
        double seconds = _options.RetryDelay.TotalSeconds * Math.Pow(2, retry) * (1 - (0.25 * _jitter()));
        TimeSpan wait = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromHours(1).TotalSeconds));
        return retryAfter is { } asked && asked > wait ? asked : wait;
    }

    private static StepState State(ResilienceContext context) => context.Properties.GetValue(StateKey, null!);

    private class StepState(string step, long deadline, RetryPolicy repeat)
    {
        public string Step { get; } = step;

        public long Deadline { get; } = deadline;

        public RetryPolicy Repeat { get; } = repeat;

        public int Attempts { get; set; }

        public TimeSpan NextDelay { get; set; }

        public GatewayFailure? Unknown { get; set; }
    }

    private sealed class StepState<T>(string step, long deadline, RetryPolicy repeat, Func<CancellationToken, Task<GatewayResult<T>>> attempt)
        : StepState(step, deadline, repeat)
    {
        private bool _isFirstTaken;

        public Func<CancellationToken, Task<GatewayResult<T>>> Attempt { get; } = attempt;

        public GatewayResult<T> Result { get; set; }

        /// <summary>The first attempt is made before the pipeline, which most calls never need; there it is handed in as made.</summary>
        public bool TakeFirst(out GatewayFailure? failure)
        {
            failure = Result.Failure;
            bool isFirst = !_isFirstTaken;
            _isFirstTaken = true;
            return isFirst;
        }

        // A refused connection after a lost answer does not make the lost answer's effect any better known.
        public GatewayResult<T> Conclude() => Unknown is not null && Result.Failure is { IsProofOfNoEffect: false } last
            ? Unknown with { RetryAfter = last.RetryAfter }
            : Result;
    }
}
