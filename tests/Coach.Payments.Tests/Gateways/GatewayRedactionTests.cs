using Coach.Payments.Gateways;

namespace Coach.Payments.Tests.Gateways;

public sealed class GatewayRedactionTests
{
    private const string Key = "an-opaque-key-of-a-proxy";

    [Theory]
    [InlineData(null, null)]
    [InlineData(" ", null)]
    [InlineData("No such price: 'price_1'", "No such price: 'price_1'")]
    [InlineData("Bad key an-opaque-key-of-a-proxy.", "Bad key ***.")]
    [InlineData("sk_live_abc and whsec_abcdefgh", "*** and ***")]
    [InlineData("Card 4242 4242 4242 4242 declined", "Card *** declined")]
    [InlineData("one\ntwo", "one two")]
    public void Sentence_OfAServer_HoldsNoSecretAndNoControlCharacter(string? text, string? expected) =>
        Assert.Equal(expected, GatewayRedaction.Sentence(text, Key));

    [Fact]
    public void Sentence_OfAnyLength_IsCutAt300Characters() =>
        Assert.Equal(new string('x', 300) + "…", GatewayRedaction.Sentence(new string('x', 5000), Key));

    [Theory]
    [InlineData("amount_too_small", true)]
    [InlineData("line_items[0][price]", true)]
    [InlineData("", false)]
    [InlineData("two words", false)]
    [InlineData("an-opaque-key-of-a-proxy", false)]
    [InlineData("sk_live_abcdef", false)]
    [InlineData("4242424242424242", false)]
    public void Identifier_OfAServer_IsKeptOrDroppedWhole(string text, bool isKept) =>
        Assert.Equal(isKept ? text : null, GatewayRedaction.Identifier(text, Key));
}
