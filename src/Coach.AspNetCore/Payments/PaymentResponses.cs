using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Payments;

namespace Coach.AspNetCore.Payments;

/// <summary><c>GET /api/payments/links</c>: the session's links, newest first.</summary>
internal sealed record LinksResponse
{
    [JsonPropertyName("links")]
    public required IReadOnlyList<LinkResponse> Links { get; init; }
}

/// <summary><c>GET /api/payments/links/{id}/payments</c>: what was paid on a link, and what went back.</summary>
internal sealed record LinkPaymentsResponse
{
    [JsonPropertyName("payments")]
    public required IReadOnlyList<LinkPaymentResponse> Payments { get; init; }

    /// <summary>Whether a link that may be paid once was paid more than once.</summary>
    [JsonPropertyName("isOverpaid")]
    public required bool IsOverpaid { get; init; }

    [JsonPropertyName("refunded")]
    public required long Refunded { get; init; }

    public static LinkPaymentsResponse Of(PaymentLink link) => new()
    {
        Payments = [.. link.Payments.Select(LinkPaymentResponse.Of)],
        IsOverpaid = link.IsOverpaid,
        Refunded = link.RefundedMinorUnits,
    };
}

/// <summary>One payment, as its payer may see it: no ids of the provider, no fees.</summary>
internal sealed record LinkPaymentResponse
{
    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<PaymentStatus>))]
    public required PaymentStatus Status { get; init; }

    [JsonPropertyName("amount")]
    public required long? Amount { get; init; }

    [JsonPropertyName("currency")]
    public required string? Currency { get; init; }

    [JsonPropertyName("refunded")]
    public required long Refunded { get; init; }

    [JsonPropertyName("paidAt")]
    public required DateTimeOffset? PaidAt { get; init; }

    public static LinkPaymentResponse Of(LinkPayment payment) => new()
    {
        Status = payment.Status,
        Amount = payment.MinorUnits,
        Currency = payment.Currency,
        Refunded = payment.RefundedMinorUnits,
        PaidAt = payment.PaidAt,
    };
}

/// <summary><c>GET /api/payments/tabs/{id}</c>: what is on the session's tab.</summary>
internal sealed record TabResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }

    [JsonPropertyName("lines")]
    public required IReadOnlyList<TabLineResponse> Lines { get; init; }

    [JsonPropertyName("subtotal")]
    public required long Subtotal { get; init; }

    [JsonPropertyName("tip")]
    public required long Tip { get; init; }

    [JsonPropertyName("total")]
    public required long Total { get; init; }

    /// <summary>The tip in percent; null where there is none, or it is an amount.</summary>
    [JsonPropertyName("tipPercent")]
    public required decimal? TipPercent { get; init; }

    /// <summary>The link of the bill that is to be paid; null when there is none.</summary>
    [JsonPropertyName("link")]
    public required string? Link { get; init; }

    [JsonPropertyName("version")]
    public required long Version { get; init; }

    public static TabResponse Of(Tab tab) => new()
    {
        Id = tab.Id,
        Currency = tab.Currency,
        Lines = [.. tab.Lines.Select(TabLineResponse.Of)],
        Subtotal = tab.Subtotal.MinorUnits,
        Tip = tab.Total.MinorUnits - tab.Subtotal.MinorUnits,
        Total = tab.Total.MinorUnits,
        TipPercent = tab.TipPercent,
        Link = tab.LinkId,
        Version = tab.Version,
    };
}

/// <summary>One line of a tab.</summary>
internal sealed record TabLineResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("description")]
    public required string Description { get; init; }

    [JsonPropertyName("unitPrice")]
    public required long UnitPrice { get; init; }

    [JsonPropertyName("quantity")]
    public required int Quantity { get; init; }

    /// <summary>Whether it is on a bill that is to be paid.</summary>
    [JsonPropertyName("isBilled")]
    public required bool IsBilled { get; init; }

    [JsonPropertyName("isPaid")]
    public required bool IsPaid { get; init; }

    public static TabLineResponse Of(TabLine line) => new()
    {
        Id = line.Id,
        Description = line.Description,
        UnitPrice = line.UnitPrice.MinorUnits,
        Quantity = line.Quantity,
        IsBilled = line is { Bill: not null, IsPaid: false },
        IsPaid = line.IsPaid,
    };
}
