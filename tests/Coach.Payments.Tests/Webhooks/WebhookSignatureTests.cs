using System.Text;
using Coach.Abstractions;
using Coach.Testing;

namespace Coach.Payments.Tests.Webhooks;

public sealed class WebhookSignatureTests
{
    private static readonly Secret VectorSecret = Secret.From("whsec_coach_test_vector_0001");
    private static readonly DateTimeOffset VectorTime = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(300);

    // openssl, Python and Stripe's Node SDK agree on both.
    [Theory]
    [InlineData("{\"id\":\"evt_1\"}", "4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    [InlineData("{\"name\":\"Café ☕\"}", "18f3155827c3f7df5164c708852a8794772653ae68a4adb5f83289c46b011363")]
    public void Verify_Vector_IsAuthentic(string body, string signature)
    {
        Assert.Equal(WebhookVerdict.Authentic, Check(body, $"t=1700000000,v1={signature}"));
        Assert.Equal(WebhookVerdict.Authentic, Check(body, $"t=1700000000, v1={new string('0', 64)}, "
            + $"v1={signature}, v0=ignored"));
        Assert.Equal(WebhookVerdict.BadSignature, Check(body + " ", $"t=1700000000,v1={signature}"));
        Assert.Equal(WebhookVerdict.BadSignature, Check(body, $"t=1700000001,v1={signature}"));
        Assert.Equal(WebhookVerdict.BadSignature, Check(body, $"t=1700000000,v1={signature.ToUpperInvariant()}"));
        Assert.Equal(WebhookVerdict.Malformed, Check(body, $"t=1700000000,v0={signature}"));
    }

    [Theory]
    [InlineData(-301, WebhookVerdict.Expired)]
    [InlineData(-300, WebhookVerdict.Authentic)]
    [InlineData(300, WebhookVerdict.Authentic)]
    [InlineData(301, WebhookVerdict.Expired)]
    [InlineData(3600, WebhookVerdict.Expired)]
    public void Verify_Time_IsToleratedThatFarEitherWay(int secondsFromNow, WebhookVerdict expected)
    {
        StripeWebhook webhook = StripeWebhook.Sign("{}"u8.ToArray(), "whsec_1", VectorTime.AddSeconds(secondsFromNow));

        Assert.Equal(
            expected,
            WebhookSignature.Verify(
                webhook.Body.Span, webhook.SignatureHeader, Secret.From("whsec_1"), VectorTime, Tolerance));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("t=1700000000")]
    [InlineData("v1=4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    [InlineData("t=,v1=4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    [InlineData("t=-1700000000,v1=4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    [InlineData("t=1700000000,t=1700000000,v1=4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    [InlineData("t=99999999999999999999,v1=4bac164599bb1f64dd96d5ee565f49f01df8a818702892b5dcd7d440608956fb")]
    public void Verify_HeaderOfAnotherForm_IsMalformed(string? header) =>
        Assert.Equal(WebhookVerdict.Malformed, Check("{\"id\":\"evt_1\"}", header));

    [Fact]
    public void Verify_SecretWithoutItsPrefixOrWithALineBreak_IsAnotherSecret()
    {
        StripeWebhook webhook = StripeWebhook.Sign("{}"u8.ToArray(), "whsec_abc", VectorTime);

        Assert.Equal(
            WebhookVerdict.BadSignature,
            WebhookSignature.Verify(
                webhook.Body.Span, webhook.SignatureHeader, Secret.From("abc"), VectorTime, Tolerance));
        Assert.Equal(
            WebhookVerdict.BadSignature,
            WebhookSignature.Verify(
                webhook.Body.Span, webhook.SignatureHeader, Secret.From("whsec_abc\n"), VectorTime, Tolerance));
    }

    [Fact]
    public void Verify_HundredThousandMutations_AcceptsNone()
    {
        const int seed = 20260101;
        var random = new Random(seed);
        byte[] body = Encoding.UTF8
            .GetBytes(
                "{\"id\":\"evt_1\",\"type\":\"checkout.session.completed\",\"data\":{\"object\":{\"amount_total\":1250,\"currency\":\"usd\"}}}");
        StripeWebhook genuine = StripeWebhook.Sign(body, VectorSecret.Reveal(), VectorTime);
        Assert.Equal(
            WebhookVerdict.Authentic,
            WebhookSignature.Verify(genuine.Body.Span, genuine.SignatureHeader, VectorSecret, VectorTime, Tolerance));

        int accepted = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] changed = [.. body];
            string header = genuine.SignatureHeader;
            switch (random.Next(7))
            {
                case 0:
                    changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    changed = changed[..random.Next(changed.Length)];
                    break;
                case 2:
                    changed = [.. changed, (byte)random.Next(256)];
                    break;
                case 3:
                    int at = header.IndexOf("v1=", StringComparison.Ordinal) + 3 + random.Next(64);
                    char other = "0123456789abcdefABCDEFg"[random.Next(23)];
                    header = header[at] == other
                        ? header[..at] + 'g' + header[(at + 1)..]
                        : header[..at] + other + header[(at + 1)..];
                    break;
                case 4:
                    header = $"t={1_700_000_000 + 1 + random.Next(300)}{header[header.IndexOf(',', StringComparison.Ordinal)..]}";
                    break;
                case 5:
                    header = header[..random.Next(header.Length)];
                    break;
                default:
                    header = StripeWebhook.Sign(body, $"whsec_{random.Next()}", VectorTime).SignatureHeader;
                    break;
            }

            accepted += WebhookSignature
                .Verify(changed, header, VectorSecret, VectorTime, Tolerance) == WebhookVerdict.Authentic
                ? 1
                : 0;
        }

        Assert.True(accepted == 0, $"{accepted} mutations of seed {seed} were accepted.");
    }

    [Fact]
    public void Verify_ThousandGenuineOnes_AcceptsAll()
    {
        var random = new Random(7);
        for (int i = 0; i < 1000; i++)
        {
            byte[] body = new byte[random.Next(4096)];
            random.NextBytes(body);
            StripeWebhook webhook =
                StripeWebhook.Sign(body, $"whsec_{i}", VectorTime.AddSeconds(random.Next(-300, 301)));
            Assert.Equal(
                WebhookVerdict.Authentic,
                WebhookSignature.Verify(
                    body, webhook.SignatureHeader, Secret.From($"whsec_{i}"), VectorTime, Tolerance));
        }
    }

    private static WebhookVerdict Check(string body, string? header) =>
        WebhookSignature.Verify(Encoding.UTF8.GetBytes(body), header, VectorSecret, VectorTime, Tolerance);
}
