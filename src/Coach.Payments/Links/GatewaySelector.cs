using Coach.Abstractions;
using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>Which gateway serves an operation: the provider's or the simulated one. With live keys it fails
/// closed.</summary>
internal sealed class GatewaySelector(
    IPaymentGateway provider, IPaymentGateway simulated, CoachPaymentsOptions options, HostMode hostMode)
{
    public IPaymentGateway Provider => provider;

    public IPaymentGateway Simulated => simulated;

    public HostMode HostMode => hostMode;

    /// <summary>Whether operations are simulated rather than sent to the provider.</summary>
    /// <exception cref="PaymentException">Neither is allowed.</exception>
    public bool IsSimulating()
    {
        if (hostMode == HostMode.Mock)
        {
            return true;
        }

        switch (provider.Mode)
        {
            case GatewayMode.Simulated:
                return true;
            case GatewayMode.NotConfigured when hostMode == HostMode.Auto && options.FallBackToSimulated:
                return true;
            case GatewayMode.NotConfigured:
                string key = options.Stripe.ApiKeyName;
                throw PaymentException.Unavailable(
                    $"There is no {key}, and this host may not simulate payments. Set it, or run in mock mode.");
            case GatewayMode.Live when options.TestModeOnly:
                throw PaymentException.Unavailable(
                    "The payment key is not a test key, and Coach:Payments:TestModeOnly is set. "
                    + "Use a key that begins with sk_test_ or rk_test_.");
            default:
                return false;
        }
    }

    /// <summary>Whether the gateway of a record may be asked now: mock mode leaves a real link of an earlier run
    /// alone.</summary>
    /// <exception cref="PaymentException">Live keys are refused here.</exception>
    public bool MayAsk(PaymentRecord record)
    {
        if (record.IsSimulated)
        {
            return true;
        }

        return hostMode != HostMode.Mock && (provider.Mode == GatewayMode.NotConfigured || !IsSimulating());
    }

    /// <summary>The gateway that made a record's link.</summary>
    public IPaymentGateway Of(PaymentRecord record) => record.IsSimulated ? simulated : provider;
}
