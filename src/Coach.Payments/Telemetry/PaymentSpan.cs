using System.Diagnostics;
using Coach.Payments.Gateways;

namespace Coach.Payments.Telemetry;

/// <summary>The span of one attempt at a step of the payment provider. It holds no amount, id or payer.</summary>
internal static class PaymentSpan
{
    private static readonly ActivitySource Source = new(PaymentMetrics.MeterName);

    public static Activity? Start(string gateway, string step, int attempt) =>
        Source.StartActivity($"payment {step}", ActivityKind.Client)?
            .SetTag("coach.payments.gateway", gateway)
            .SetTag("coach.payments.step", step)
            .SetTag("coach.payments.attempt", attempt);

    public static void Ended(Activity? span, GatewayFailure? failure)
    {
        if (failure is null)
        {
            span?.SetTag("coach.payments.outcome", "success");
            return;
        }

        string kind = PaymentMetrics.NameOf(failure.Kind);
        span?.SetTag("coach.payments.outcome", kind)
            .SetTag("error.type", kind)
            .SetStatus(ActivityStatusCode.Error);
    }
}
