using System.Globalization;

namespace Coach.Payments;

/// <summary>What the provider is asked for.</summary>
internal sealed partial class LinkCreation
{
    private GatewayPriceRequest PriceRequest()
    {
        PaymentLineItem? first = Lines is [var line, ..] ? line : null;
        return new GatewayPriceRequest
        {
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"coach:{Record.Tag}:price:{Record.PriceAttempt}"),
            LookupKey = LookupKey,
            Amount = first?.UnitPrice ?? Request.Amount,
            ProductName = first?.Description ?? Request.Description,
            Metadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [PaymentMetadata.Tag] = Record.Tag,
                [PaymentMetadata.RequestHash] = Record.RequestHash.ToString(),
            },
        };
    }

    private GatewayLinkRequest LinkRequest(GatewayPrice price)
    {
        var metadata = new Dictionary<string, string>(Request.Metadata, StringComparer.Ordinal)
        {
            [PaymentMetadata.Tag] = Record.Tag,
            [PaymentMetadata.OperationKey] = Request.OperationKey,
        };
        return new GatewayLinkRequest
        {
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"coach:{Record.Tag}:link:{Record.LinkAttempt}"),
            PriceId = price.Id,
            Quantity = Lines is [var first, ..] ? first.Quantity : 1,
            MoreItems = Lines.Count > 1 ? [.. Lines.Skip(1)] : [],
            Metadata = metadata,
            IsSingleUse = !Request.IsReusable,
            RedirectUrl = Request.RedirectUrl,
        };
    }

    private IReadOnlyList<PaymentLineItem> Lines => Capabilities.HasLineItems ? Request.Items : [];
}
