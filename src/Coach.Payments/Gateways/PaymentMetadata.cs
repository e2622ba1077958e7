namespace Coach.Payments.Gateways;

/// <summary>The metadata entries that Coach writes at the provider. Their names are a contract: links of years ago are
/// found by them.</summary>
public static class PaymentMetadata
{
    /// <summary>What every name begins with. A request's own metadata may not use it.</summary>
    public const string Prefix = "coach_";

    /// <summary>The operation's tag: 40 hexadecimal digits derived from namespace, owner and operation key.</summary>
    public const string Tag = "coach_tag";

    /// <summary>The caller's operation key.</summary>
    public const string OperationKey = "coach_operation";

    /// <summary>On a price: the hash of the request it was made for.</summary>
    public const string RequestHash = "coach_request";

    /// <summary>On a price: the id of the link made from it.</summary>
    public const string Link = "coach_link";

    /// <summary>On a refund: the caller's refund key.</summary>
    public const string Refund = "coach_refund";
}
