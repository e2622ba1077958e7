using Coach.Abstractions;
using Microsoft.Extensions.Logging;

namespace Coach.Payments;

/// <summary>What the parts of the service share; built once.</summary>
internal sealed class PaymentParts
{
    public required IIdempotencyStore Store { get; init; }

    public required IPaymentGateway Gateway { get; init; }

    public required SimulatedGateway Simulated { get; init; }

    public required CachedProbe Availability { get; init; }

    public required GatewayStepExecutor Steps { get; init; }

    public required CoachPaymentsOptions Options { get; init; }

    public required HostMode HostMode { get; init; }

    public required TimeProvider Time { get; init; }

    public required PaymentMetrics Metrics { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Whether operations go to the provider or are simulated.</summary>
    /// <exception cref="PaymentException">Neither is allowed.</exception>
    public bool IsSimulating()
    {
        if (HostMode == HostMode.Mock)
        {
            return true;
        }

        switch (Gateway.Mode)
        {
            case GatewayMode.Simulated:
                return true;
            case GatewayMode.NotConfigured when HostMode == HostMode.Auto && Options.FallBackToSimulated:
                return true;
            case GatewayMode.NotConfigured:
                throw PaymentException.Unavailable(
                    $"There is no {Options.Stripe.ApiKeyName}, and this host may not simulate payments. Set it, or run in mock mode.");
            case GatewayMode.Live when Options.TestModeOnly:
                throw PaymentException.Unavailable(
                    "The payment key is not a test key, and Coach:Payments:TestModeOnly is set. Use a key that begins with sk_test_ or rk_test_.");
            default:
                return false;
        }
    }

    /// <summary>Whether a record's provider may be asked now: a real link of an earlier run is left alone in mock mode.</summary>
    /// <exception cref="PaymentException">Live keys are refused here.</exception>
    public bool MayAsk(PaymentRecord record) => record.IsSimulated || (HostMode != HostMode.Mock && (Gateway.Mode == GatewayMode.NotConfigured || !IsSimulating()));

    /// <summary>Changes a record whatever else changes in it meanwhile.</summary>
    /// <param name="record">The record as last seen.</param>
    /// <param name="change">The change; null leaves the record as it is. Applied again to what somebody else wrote.</param>
    /// <param name="token">The claim under which to write, or null for a change that needs none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The record as stored; null when the claim was lost or the record is gone.</returns>
    public async ValueTask<PaymentRecord?> ChangeAsync(
        PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, long? token, CancellationToken cancellationToken)
    {
        PaymentRecord? current = record;
        while (current is not null && (token is null || current.LeaseToken == token))
        {
            if (change(current) is not { } changed)
            {
                return current;
            }

            if (await Store.TryUpdateAsync(changed with { Version = current.Version }, cancellationToken).ConfigureAwait(false) is { } stored)
            {
                return stored;
            }

            current = await Store.FindAsync(record.Tag, cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    public async ValueTask CountPendingAsync()
    {
        try
        {
            Metrics.SetPending(this, await Store.CountUnsettledAsync(CancellationToken.None).ConfigureAwait(false));
        }
#pragma warning disable CA1031 // the gauge shows the last known figure
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
