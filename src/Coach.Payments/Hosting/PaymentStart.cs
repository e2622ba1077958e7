using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Links;
using Coach.Payments.Telemetry;
using Microsoft.Extensions.Hosting;

namespace Coach.Payments.Hosting;

/// <summary>Opens the store at the host's start: a place that cannot be written is a start-up error and not the first
/// payer's.</summary>
internal sealed class PaymentStart(
    Func<IIdempotencyStore> store, GatewaySelector gateways, PaymentTelemetry telemetry) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        bool isDurable = store().IsDurable;
        if (!isDurable && gateways.HostMode != HostMode.Mock && gateways.Provider.Mode == GatewayMode.Live)
        {
            telemetry.Logger.RecordsNotDurable();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
