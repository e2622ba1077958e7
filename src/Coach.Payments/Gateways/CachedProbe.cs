using Microsoft.Extensions.Logging;

namespace Coach.Payments;

/// <summary>
/// Whether the provider answers: one bounded probe at a time however many ask, believed for a while, forgotten when a step fails.
/// </summary>
internal sealed class CachedProbe
{
    private readonly IPaymentGateway _gateway;
    private readonly CoachPaymentsOptions _options;
    private readonly TimeProvider _time;
    private readonly PaymentMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private TaskCompletionSource<GatewayFailure?>? _probe;
    private ProbeResult? _lastResult;

    public CachedProbe(IPaymentGateway gateway, CoachPaymentsOptions options, TimeProvider time, PaymentMetrics metrics, ILogger logger)
    {
        _gateway = gateway;
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        metrics.Watch(() => Volatile.Read(ref _lastResult) is { Failure: null });
    }

    /// <summary>Asks, unless the answer is known.</summary>
    /// <returns>Null when the provider answers and takes the key; otherwise why not.</returns>
    public Task<GatewayFailure?> CheckAsync(CancellationToken cancellationToken = default)
    {
        TaskCompletionSource<GatewayFailure?>? started = null;
        Task<GatewayFailure?> answer;
        lock (_gate)
        {
            if (_lastResult is { } result && _time.GetElapsedTime(result.Since) < result.Lasts)
            {
                return Task.FromResult(result.Failure);
            }

            _probe ??= started = new TaskCompletionSource<GatewayFailure?>();
            answer = _probe.Task;
        }

        if (started is not null)
        {
            _ = ProbeAsync(started);
        }

        return answer.WaitAsync(cancellationToken);
    }

    /// <summary>A step was answered: no probe is needed for a while.</summary>
    public void ReportSuccess() => Remember(null);

    /// <summary>A step failed in a way that casts doubt: the next caller asks again.</summary>
    public void ReportOutage()
    {
        lock (_gate)
        {
            if (_lastResult is { Failure: null })
            {
                _lastResult = null;
            }
        }
    }

    private async Task ProbeAsync(TaskCompletionSource<GatewayFailure?> answer)
    {
        GatewayFailure? failure;
        try
        {
            using var limit = new CancellationTokenSource(_options.ProbeTimeout, _time);
            failure = (await _gateway.ProbeAsync(limit.Token).WaitAsync(limit.Token).ConfigureAwait(false)).Failure;
        }
        catch (OperationCanceledException)
        {
            failure = new GatewayFailure(GatewayFailureKind.TimedOut,
                $"The payment provider did not answer the probe within {_options.ProbeTimeout.TotalSeconds:0.###} s. Check the network, or try again later.");
        }
#pragma warning disable CA1031 // a gateway that throws is one that does not answer
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.GatewayThrew(_gateway.Name, PaymentSteps.Probe, exception);
            failure = new GatewayFailure(GatewayFailureKind.Unknown, "The probe of the payment provider failed unexpectedly.");
        }

        _metrics.Attempt(PaymentSteps.Probe, failure);
        Remember(failure);
        lock (_gate)
        {
            _probe = null;
        }

        answer.SetResult(failure);
    }

    private void Remember(GatewayFailure? failure)
    {
        bool changed;
        lock (_gate)
        {
            changed = _lastResult is null || (_lastResult.Failure is null) != (failure is null);
            TimeSpan lasts = failure is null ? _options.ProbeCacheDuration : _options.ProbeFailureCacheDuration;
            _lastResult = new ProbeResult(failure, _time.GetTimestamp(), lasts);
        }

        if (changed)
        {
            _logger.AvailabilityChanged(failure is null ? "available" : PaymentMetrics.NameOf(failure.Kind));
        }
    }

    private sealed record ProbeResult(GatewayFailure? Failure, long Since, TimeSpan Lasts);
}
