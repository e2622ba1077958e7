namespace Coach.Payments.Resilience;

/// <summary>The closed set of steps: metric labels and parts of idempotency keys.</summary>
internal static class GatewaySteps
{
    public const string Probe = "probe";
    public const string Price = "price";
    public const string FindPrice = "find_price";
    public const string Link = "link";
    public const string FindLink = "find_link";
    public const string Note = "note";
    public const string Sessions = "sessions";
    public const string Deactivate = "deactivate";
    public const string Expire = "expire";
    public const string Refund = "refund";
    public const string FindRefund = "find_refund";
}
