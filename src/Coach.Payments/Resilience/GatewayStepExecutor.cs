using System.Diagnostics;
using Coach.Payments.Gateways;
using Coach.Payments.Telemetry;
using Polly;
using Polly.Retry;

namespace Coach.Payments.Resilience;

/// <summary>
/// Runs one step at a gateway: attempts with a time limit each, retries by what the gateway says of the failure, and a
/// deadline for all of it that also cuts the attempt in flight. A wait that would pass the deadline is not begun.
/// </summary>
internal sealed class GatewayStepExecutor : IDisposable
{
    private static readonly ResiliencePropertyKey<StepState> StateKey = new("step");
    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);
    private const string LockTimeout = "lock_timeout";

    private readonly IPaymentGateway _gateway;
    private readonly CoachPaymentsOptions _options;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly GatewayAvailability _availability;
    private readonly PaymentTelemetry _telemetry;
    private readonly RequestLimiter _limiter;
    private readonly ResiliencePipeline<GatewayFailure?> _pipeline;

    public GatewayStepExecutor(
        IPaymentGateway gateway, CoachPaymentsOptions options, TimeProvider time, Func<double> jitter,
        GatewayAvailability availability, PaymentTelemetry telemetry)
    {
        _gateway = gateway;
        _options = options;
        _time = time;
        _availability = availability;
        _telemetry = telemetry;
        _limiter = new RequestLimiter(RateOf(gateway, options), options.MaxQueueTime, time, telemetry);

        // 1, 2, 4 s less up to a quarter, as Stripe's .NET SDK jitters.
        _backoff = new Backoff(options.RetryDelay, LongestDelay, jitter, low: 1, high: 0.75);
        _pipeline = options.MaxRetries == 0 ? ResiliencePipeline<GatewayFailure?>.Empty : BuildPipeline();
    }

    /// <summary>Whether the provider answers; see <see cref="GatewayAvailability.CheckAsync"/>.</summary>
    public Task<GatewayFailure?> CheckAvailabilityAsync(CancellationToken cancellationToken) =>
        _availability.CheckAsync(cancellationToken);

    /// <summary>Waits for an operation's turn under the limit of requests, before it claims anything and before its
    /// time begins.</summary>
    /// <returns>The turn, to be used by its first request.</returns>
    /// <exception cref="PaymentException">The queue is too long.</exception>
    public async ValueTask<RequestTurn> WaitForTurnAsync(CancellationToken cancellationToken) =>
        await _limiter.EnterAsync(hasBegun: false, cancellationToken).ConfigureAwait(false) is { } wait
            ? throw PaymentException.Unavailable(QueueTooLong().Message, wait)
            : new RequestTurn(_limiter);

    /// <summary>Whether requests wait for their turn: what can be left out should be.</summary>
    public bool HasQueue => _limiter.HasQueue;

    public void Dispose() => _limiter.Dispose();

    /// <summary>Starts a time budget that several steps share.</summary>
    public Deadline StartDeadline(TimeSpan budget) => new(budget, _time);

    /// <summary>Runs a step.</summary>
    /// <param name="step">One of <see cref="GatewaySteps"/>.</param>
    /// <param name="deadline">The budget of all attempts and waits.</param>
    /// <param name="retries">Which failures may be retried.</param>
    /// <param name="attempt">One attempt at the gateway.</param>
    /// <param name="cancellationToken">Ends attempts and waits at once.</param>
    /// <param name="turn">The turn that the operation got before it began; null where it did not wait for
    /// one.</param>
    public async Task<GatewayResult<T>> RunAsync<T>(
        string step, Deadline deadline, RetryPolicy retries, Func<CancellationToken, Task<GatewayResult<T>>> attempt,
        CancellationToken cancellationToken, RequestTurn? turn = null)
    {
        var state = new StepState<T>(step, deadline, retries, attempt) { Turn = turn };
        GatewayFailure? first = await AttemptAsync(state, cancellationToken).ConfigureAwait(false);
        if (first is not { IsRetryable: true } || retries == RetryPolicy.Never || _options.MaxRetries == 0)
        {
            return state.Conclude();
        }

        ResilienceContext context =
            ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        try
        {
            context.Properties.Set(StateKey, state);
            await _pipeline.ExecuteAsync(
                static (context, call) => call.State.TakeFirst(out GatewayFailure? first)
                    ? ValueTask.FromResult(first)
                    : call.Executor.AttemptAsync(call.State, context.CancellationToken),
                context, (Executor: this, State: state)).ConfigureAwait(false);
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
        TimeSpan left = state.Deadline.Remaining;
        if (left <= TimeSpan.Zero)
        {
            // Nothing was sent; what an earlier attempt gave stays the answer.
            state.Result = state.Attempts > 0 ? state.Result : new GatewayFailure(GatewayFailureKind.Unreachable,
                "The time limit passed before the payment provider could be asked. Try again, or raise TotalTimeout.");
            return state.Result.Failure! with { IsRetryable = false };
        }

        if (await EnterAsync(state, cancellationToken).ConfigureAwait(false) is { } tooLong)
        {
            state.Result = state.Attempts > 0 && state.Result.Failure is { } last
                ? last with { RetryAfter = tooLong.RetryAfter }
                : tooLong;
            return state.Result.Failure! with { IsRetryable = false };
        }

        left = state.Deadline.Remaining;
        using var limit = new Deadline(
            left < _options.AttemptTimeout ? left : _options.AttemptTimeout, _time, cancellationToken);
        state.Attempts++;
        using Activity? span = PaymentSpan.Start(_gateway.Name, state.Step, state.Attempts);
        try
        {
            // WaitAsync: a gateway that ignores its token must not hold up the caller.
            state.Result = await state.Attempt(limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.HasPassed)
        {
            state.Result = new GatewayFailure(GatewayFailureKind.TimedOut,
                $"The payment provider did not answer within {limit.Limit.TotalSeconds:0.###} s.")
            { IsRetryable = true };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) // a gateway that throws has left an unknown outcome, which must be recorded as such
        {
            _telemetry.Logger.GatewayThrew(_gateway.Name, state.Step, exception);
            state.Result = new GatewayFailure(
                GatewayFailureKind.Unknown, "The payment gateway failed unexpectedly; see the log.");
        }
        finally
        {
            _limiter.Leave();
        }

        GatewayFailure? failure = state.Result.Failure;
        if (failure is { Kind: GatewayFailureKind.RateLimited } limited)
        {
            // Stripe's SDKs do not repeat a 429 without Retry-After. One that our own burst brought about passes when
            // we go on at a lower rate.
            bool isOwn = _limiter.IsOwnDoing && limited.Code != LockTimeout;
            if (isOwn)
            {
                _limiter.ReportLimited();
                failure = limited.RetryAfter is null ? limited with { IsRetryable = true } : limited;
                state.Result = failure;
            }
        }
        else if (failure is null)
        {
            _limiter.ReportServed();
        }

        PaymentSpan.Ended(span, failure);
        Report(state, failure);
        return failure;
    }

    // A request's wait for its turn is no part of the operation's time.
    private async ValueTask<GatewayFailure?> EnterAsync(StepState state, CancellationToken cancellationToken)
    {
        if (state.Turn?.TryUse() == true)
        {
            return null;
        }

        bool hasBegun = state.Turn is not null || state.Attempts > 0;
        if (_limiter.TryEnter(hasBegun))
        {
            return null;
        }

        TimeSpan left = state.Deadline.Remaining;
        state.Deadline.Lift();
        try
        {
            return await _limiter.EnterAsync(hasBegun, cancellationToken).ConfigureAwait(false) is { } wait
                ? QueueTooLong() with { RetryAfter = wait }
                : null;
        }
        finally
        {
            state.Deadline.Restart(left);
        }
    }

    private GatewayFailure QueueTooLong() => new(GatewayFailureKind.RateLimited,
        $"More requests than the payment provider takes wait here; this one's turn did not come within "
        + $"{_options.MaxQueueTime.TotalSeconds:0.###} s (MaxQueueTime).");

    // Stripe takes 100 requests a second with live keys and 25 with test keys (https://docs.stripe.com/rate-limits,
    // 2026-11): a fifth less, for whoever else uses the account. A server of one's own has its own limits.
    private static double? RateOf(IPaymentGateway gateway, CoachPaymentsOptions options)
    {
        if (options.RequestsPerSecond is { } given)
        {
            return given;
        }

        bool isStripe = gateway.Name == "stripe" && options.Stripe.BaseUrl.Host == "api.stripe.com";
        return (isStripe, gateway.Mode) switch
        {
            (false, _) => null,
            (_, GatewayMode.Test) => 20,
            _ => 80,
        };
    }

    // A passive health check: every step says whether the provider answers, so that probes are rare.
    private void Report(StepState state, GatewayFailure? failure)
    {
        state.Unknown = failure is { IsOutcomeUnknown: true } ? failure : state.Unknown;
        _telemetry.Metrics.Attempt(state.Step, failure);
        if (failure is null)
        {
            _availability.ReportSuccess();
        }
        else if (failure.IsOutage)
        {
            _availability.ReportOutage();
        }
    }

    private ResiliencePipeline<GatewayFailure?> BuildPipeline() =>
        new ResiliencePipelineBuilder<GatewayFailure?> { TimeProvider = _time }
            .AddRetry(new RetryStrategyOptions<GatewayFailure?>
            {
                MaxRetryAttempts = _options.MaxRetries,
                ShouldHandle = arguments => ValueTask.FromResult(ShouldRetry(arguments)),
                DelayGenerator = static arguments =>
                    ValueTask.FromResult<TimeSpan?>(State(arguments.Context).NextDelay),
            })
            .Build();

    private bool ShouldRetry(RetryPredicateArguments<GatewayFailure?> arguments)
    {
        StepState state = State(arguments.Context);
        if (arguments.Outcome.Exception is not null || arguments.Outcome.Result is not { IsRetryable: true } failure)
        {
            return false;
        }

        bool mayHaveHadItsEffect = state.Retries == RetryPolicy.OnlyIfNotExecuted && failure.IsOutcomeUnknown;
        if (mayHaveHadItsEffect || arguments.AttemptNumber >= _options.MaxRetries)
        {
            return false;
        }

        TimeSpan backoff = _backoff.Wait(arguments.AttemptNumber);
        TimeSpan wait = failure.RetryAfter is { } asked && asked > backoff ? asked : backoff;
        if (wait >= state.Deadline.Remaining)
        {
            return false;
        }

        state.NextDelay = wait;
        _telemetry.Logger.RetryScheduled(
            state.Step, PaymentMetrics.NameOf(failure.Kind), arguments.AttemptNumber + 2, wait.TotalSeconds);
        return true;
    }

    private static StepState State(ResilienceContext context) => context.Properties.GetValue(StateKey, null!);

    private class StepState(string step, Deadline deadline, RetryPolicy retries)
    {
        public string Step { get; } = step;

        public Deadline Deadline { get; } = deadline;

        public RetryPolicy Retries { get; } = retries;

        public RequestTurn? Turn { get; init; }

        public int Attempts { get; set; }

        public TimeSpan NextDelay { get; set; }

        public GatewayFailure? Unknown { get; set; }
    }

    private sealed class StepState<T>(
        string step, Deadline deadline, RetryPolicy retries, Func<CancellationToken, Task<GatewayResult<T>>> attempt)
        : StepState(step, deadline, retries)
    {
        private bool _isFirstTaken;

        public Func<CancellationToken, Task<GatewayResult<T>>> Attempt { get; } = attempt;

        public GatewayResult<T> Result { get; set; }

        /// <summary>The first attempt is made before the pipeline, which most calls never need; there it is handed in
        /// as made.</summary>
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
