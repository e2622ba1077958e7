using Coach.Payments.Gateways;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Resilience;

/// <summary>
/// Whether the provider answers: one bounded probe at a time however many ask (single flight), its answer cached, a
/// success longer than a failure, and evicted when a step fails.
/// </summary>
internal sealed class GatewayAvailability
{
    private readonly IPaymentGateway _gateway;
    private readonly CoachPaymentsOptions _options;
    private readonly TimeProvider _time;
    private readonly PaymentTelemetry _telemetry;
    private readonly CachedProbe<GatewayFailure?> _probe;

    public GatewayAvailability(
        IPaymentGateway gateway, CoachPaymentsOptions options, TimeProvider time, PaymentTelemetry telemetry)
    {
        _gateway = gateway;
        _options = options;
        _time = time;
        _telemetry = telemetry;
        _probe = new CachedProbe<GatewayFailure?>(ProbeAsync, Lifetime, time);
        telemetry.Metrics.Watch(() => _probe.TryGetLast(out GatewayFailure? failure, out _) && failure is null);
    }

    /// <summary>Probes, unless the answer is cached.</summary>
    /// <returns>Null when the provider answers and takes the key; otherwise why not.</returns>
    public Task<GatewayFailure?> CheckAsync(CancellationToken cancellationToken = default) =>
        _probe.GetAsync(cancellationToken);

    /// <summary>A step was answered: that is as good as a probe.</summary>
    public void ReportSuccess()
    {
        LogChange(null);
        _probe.Set(null);
    }

    /// <summary>A step failed as in an outage: the next caller probes.</summary>
    public void ReportOutage() => _probe.Forget(static failure => failure is null);

    private TimeSpan Lifetime(GatewayFailure? failure) =>
        failure is null ? _options.ProbeCacheDuration : _options.ProbeFailureCacheDuration;

    private async Task<GatewayFailure?> ProbeAsync()
    {
        GatewayFailure? failure;
        using var deadline = new Deadline(_options.ProbeTimeout, _time);
        try
        {
            Task<GatewayResult<bool>> probe = _gateway.ProbeAsync(deadline.Token);

            // WaitAsync: a gateway that ignores its token must not hold up everybody who asks.
            failure = (await probe.WaitAsync(deadline.Token).ConfigureAwait(false)).Failure;
        }
        catch (OperationCanceledException)
        {
            string limit = $"{_options.ProbeTimeout.TotalSeconds:0.###} s";
            failure = new GatewayFailure(GatewayFailureKind.TimedOut,
                $"The payment provider did not answer the probe within {limit}. Check the network, or try again "
                + "later.");
        }
        catch (Exception exception) // a gateway that throws is one that does not answer
        {
            _telemetry.Logger.GatewayThrew(_gateway.Name, GatewaySteps.Probe, exception);
            failure = new GatewayFailure(
                GatewayFailureKind.Unknown, "The probe of the payment provider failed unexpectedly.");
        }

        _telemetry.Metrics.Attempt(GatewaySteps.Probe, failure);
        LogChange(failure);
        return failure;
    }

    private void LogChange(GatewayFailure? failure)
    {
        bool isKnown = _probe.TryGetLast(out GatewayFailure? last, out _);
        if (!isKnown || (last is null) != (failure is null))
        {
            string state = failure is null ? "available" : PaymentMetrics.NameOf(failure.Kind);
            _telemetry.Logger.AvailabilityChanged(state);
        }
    }
}
