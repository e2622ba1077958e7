using Coach.Abstractions;
using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>
/// The mode (live, test, none) and account that operations belong to now. The provider keeps modes and accounts apart
/// by itself, so an operation has one name there; here the name gets a suffix, so that a key used in one mode never
/// gets the other's link.
/// </summary>
internal sealed class PaymentScope(GatewaySelector gateways, CoachPaymentsOptions options)
{
    private const int ProviderTagLength = 40;

    /// <summary>Whether real money moves; null where nothing reaches a provider.</summary>
    public bool? IsLive => gateways.HostMode == HostMode.Mock ? null : gateways.Provider.Mode switch
    {
        GatewayMode.Live => true,
        GatewayMode.Test => false,
        _ => null,
    };

    public string? Account => options.Stripe.Account;

    /// <summary>Whether the provider's links can be limited to one payment.</summary>
    public bool IsSingleUse => gateways.Provider.Capabilities.HasSingleUse;

    /// <summary>An operation's name at the provider.</summary>
    public string ProviderTag(PaymentLinkRequest request) =>
        RequestHash.Tag(options.Namespace, request.Owner, request.OperationKey);

    /// <summary>The names under which a record may stand here, the usual one first. Records of 0.1 have no
    /// suffix.</summary>
    public IReadOnlyList<string> StoreTags(string providerTag, bool? isLive)
    {
        string account = Account is null ? "" : "@" + Account;
        return (isLive ?? IsLive) switch
        {
            true when account.Length == 0 => [providerTag, providerTag + ".l"],
            true => [providerTag + ".l" + account, providerTag],
            false => [providerTag + ".t" + account, providerTag],
            null => [providerTag + ".s" + account, providerTag],
        };
    }

    /// <summary>Whether a record may answer in a mode and account. Where it is not known, its address tells: those of
    /// test links begin with <c>/test_</c>.</summary>
    public static bool Fits(PaymentRecord record, bool? isLive, string? account)
    {
        if (record.Account is not null && record.Account != account)
        {
            return false;
        }

        if (record.IsSimulated)
        {
            return isLive != true;
        }

        if (isLive is null)
        {
            return true;
        }

        if (record.IsLive is { } known)
        {
            return known == isLive;
        }

        return record.Url is not { Host: "buy.stripe.com" } url
            || url.AbsolutePath.StartsWith("/test_", StringComparison.Ordinal) != isLive;
    }

    public bool Fits(PaymentRecord record) => Fits(record, IsLive, record.Account is null ? null : Account);

    /// <summary>The name at the provider of a record's name here.</summary>
    public static string ProviderTagOf(string tag) =>
        tag.Length > ProviderTagLength ? tag[..ProviderTagLength] : tag;

    /// <summary>Where payments of a link that is not known wait.</summary>
    public static string ParkedLinkTag(string linkId) => "unmatched:" + linkId;

    /// <summary>Where refunds and disputes of a payment that is not known wait.</summary>
    public static string ParkedPaymentTag(string paymentId) => "unmatched:" + paymentId;
}
