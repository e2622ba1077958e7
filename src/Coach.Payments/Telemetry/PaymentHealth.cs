using Coach.Abstractions;

namespace Coach.Payments;

/// <summary>What the host's health endpoints show of payments.</summary>
internal sealed class PaymentHealth(PaymentParts parts, string name) : IComponentHealth
{
    public string Name { get; } = name.Length == 0 ? "payments" : $"payments:{name}";

    public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        bool isSimulating;
        try
        {
            isSimulating = parts.IsSimulating();
        }
        catch (PaymentException exception)
        {
            return new ComponentReport(Bad, exception.Message);
        }

        if (isSimulating)
        {
            return parts.HostMode == HostMode.Real && parts.Gateway.Mode != GatewayMode.Simulated
                ? new ComponentReport(ComponentState.Degraded, "Payments are simulated.")
                : new ComponentReport(ComponentState.Healthy, "Payments are simulated, as configured.");
        }

        GatewayFailure? failure = await parts.Availability.CheckAsync(cancellationToken).ConfigureAwait(false);
        return failure is null
            ? new ComponentReport(ComponentState.Healthy, "The payment provider answers.")
            : new ComponentReport(Bad, failure.Message);
    }

    private ComponentState Bad => parts.Options.Required ? ComponentState.Unhealthy : ComponentState.Degraded;
}
