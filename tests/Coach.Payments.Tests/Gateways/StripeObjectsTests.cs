using System.Text.Json;
using Coach.Payments.Gateways;

namespace Coach.Payments.Tests.Gateways;

public sealed class StripeObjectsTests
{
    [Theory]
    [InlineData("""{"id":"plink_1","url":"https://buy.stripe.com/1","active":false,"a_field_of_the_future":[{}]}""", true)]
    [InlineData("""{"id":"plink_1","url":"javascript:alert(1)"}""", false)]
    [InlineData("""{"id":"","url":"https://buy.stripe.com/1"}""", false)]
    [InlineData("""["plink_1"]""", false)]
    public void ReadLink_OfAnyJson_IsTheLinkOrNull(string json, bool isLink) =>
        Assert.Equal(isLink, StripeObjects.ReadLink(Parse(json)) is { Id: "plink_1", IsActive: false });

    [Theory]
    [InlineData("""{"payment_link":"plink_1"}""", "plink_1")]
    [InlineData("""{"payment_link":{"id":"plink_1","object":"payment_link"}}""", "plink_1")]
    [InlineData("""{"payment_link":null}""", null)]
    [InlineData("""{"payment_link":7}""", null)]
    public void ReadReference_ExpandedOrNot_IsTheId(string json, string? expected) =>
        Assert.Equal(expected, StripeObjects.ReadReference(Parse(json), "payment_link"));

    [Theory]
    [InlineData("complete", "paid", GatewaySessionState.Paid)]
    [InlineData("complete", "no_payment_required", GatewaySessionState.Paid)]
    [InlineData(null, "paid", GatewaySessionState.Paid)]
    [InlineData("complete", "unpaid", GatewaySessionState.CompleteUnpaid)]
    [InlineData("complete", "a_state_of_the_future", GatewaySessionState.CompleteUnpaid)]
    [InlineData("expired", "unpaid", GatewaySessionState.Expired)]
    [InlineData("open", "paid", GatewaySessionState.Open)]
    public void ReadSession_OfEachState_IsPaidOnlyWhereStripeSaysSo(
        string? status, string? paymentStatus, GatewaySessionState expected)
    {
        string json = JsonSerializer.Serialize(new { id = "cs_1", status, payment_status = paymentStatus });

        Assert.Equal(expected, StripeObjects.ReadSession(Parse(json))?.State);
    }

    [Fact]
    public void FormatRedirectUrl_WithStripesPlaceholder_LeavesItUnescaped() => Assert.Equal(
        "https://example.com/paid?session={CHECKOUT_SESSION_ID}&%7Bother%7D",
        StripeObjects.FormatRedirectUrl(new Uri("https://example.com/paid?session={CHECKOUT_SESSION_ID}&{other}")));

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
