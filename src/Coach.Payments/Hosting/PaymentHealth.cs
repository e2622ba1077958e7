using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Links;
using Coach.Payments.Resilience;

namespace Coach.Payments.Hosting;

/// <summary>What the host's health endpoints show of payments.</summary>
internal sealed class PaymentHealth(
    GatewaySelector gateways, GatewayAvailability availability, CoachPaymentsOptions options, string name)
    : IComponentHealth
{
    public string Name { get; } = name.Length == 0 ? "payments" : $"payments:{name}";

    private ComponentState Bad => options.Required ? ComponentState.Unhealthy : ComponentState.Degraded;

    public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        bool isSimulating;
        try
        {
            isSimulating = gateways.IsSimulating();
        }
        catch (PaymentException exception)
        {
            return new ComponentReport(Bad, exception.Message);
        }

        if (isSimulating)
        {
            bool isStandIn = gateways.HostMode == HostMode.Real && gateways.Provider.Mode != GatewayMode.Simulated;
            return isStandIn
                ? new ComponentReport(ComponentState.Degraded, "Payments are simulated.")
                : new ComponentReport(ComponentState.Healthy, "Payments are simulated, as configured.");
        }

        GatewayFailure? failure = await availability.CheckAsync(cancellationToken).ConfigureAwait(false);
        return failure is null
            ? new ComponentReport(ComponentState.Healthy, "The payment provider answers.")
            : new ComponentReport(Bad, failure.Message);
    }
}
