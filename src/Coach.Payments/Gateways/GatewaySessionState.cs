namespace Coach.Payments.Gateways;

/// <summary>How far one visit to a link got. The zero value is never "paid".</summary>
public enum GatewaySessionState
{
    /// <summary>The payer has the page open, or left it.</summary>
    Open,

    /// <summary>The payer finished; the money is still on its way.</summary>
    CompleteUnpaid,

    /// <summary>The page can no longer be used.</summary>
    Expired,

    /// <summary>The payment failed for good.</summary>
    Failed,

    /// <summary>The money was paid.</summary>
    Paid,
}
