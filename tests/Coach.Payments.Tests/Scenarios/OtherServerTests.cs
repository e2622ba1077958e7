using System.Buffers;
using System.Net;
using System.Text;
using Coach.Payments.Gateways;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>Answers as another Stripe-compatible server, a proxy or a broken one might send them.</summary>
public sealed class OtherServerTests
{
    private const string Price = """{"id":"price_1","object":"price","unit_amount":1250,"currency":"usd","created":1767225600,"a_field_of_the_future":{"x":[1,null]},"metadata":{},"product":null}""";
    private const string Link = """{"id":"plink_1","object":"payment_link","active":true,"url":"https://buy.stripe.com/test_1","restrictions":null,"metadata":null,"new":[{}]}""";

    [Fact]
    public async Task CreateAsync_UnknownFieldsNullsAndNoRestrictions_IsUnderstood()
    {
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/prices"] = Price, ["/v1/payment_links"] = Link });

        PaymentLink link = await host.CreateAsync();

        Assert.Equal(
            ("plink_1", "https://buy.stripe.com/test_1", false), (link.Id, link.Url.AbsoluteUri, link.IsSimulated));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("<html><body>Welcome</body></html>")]
    [InlineData("""{"error":{"type":"api_error","message":"no"}}""")]
    [InlineData("""{"error":{"type":"api_error"},"id":"plink_1","url":"https://buy.stripe.com/test_1"}""")]
    [InlineData("""{"id":"plink_1"}""")]
    [InlineData("""{"id":null,"url":"https://buy.stripe.com/test_1"}""")]
    [InlineData("""{"id":"plink_1","url":"javascript:alert(1)"}""")]
    [InlineData("""{"id":"plink_1","url":"/relative"}""")]
    [InlineData("""{"id":"plink_1","url":"https://buy.stripe.com/te""")]
    public async Task CreateAsync_SuccessWithoutALink_IsUncertainAndNeverSimulated(string body)
    {
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/prices"] = Price, ["/v1/payment_links"] = body });

        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
    }

    [Theory]
    [InlineData("""{"error":{"type":"api_error","message":"no"}}""")]
    [InlineData("""<html></html>""")]
    [InlineData("")]
    public async Task Probe_SuccessWithoutABalance_CountsAsDown(string body)
    {
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/balance"] = body }, PaymentHost.LiveKey);

        Assert.Equal(PaymentError.Unavailable, (await host.FailsAsync()).Error);
    }

    [Theory]
    [InlineData("idempotent-replayed", "True")]
    [InlineData("IDEMPOTENT-REPLAYED", " true ")]
    public async Task Headers_InAnyCase_AreRead(string name, string value)
    {
        int sent = 0;
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/prices"] = Price, ["/v1/payment_links"] = Link }, PaymentHost.LiveKey, (request, response) =>
        {
            if (request.Method == HttpMethod.Post && request.RequestUri!.AbsolutePath == "/v1/payment_links"
                && ++sent == 1)
            {
                response.StatusCode = HttpStatusCode.InternalServerError;
                response.Headers.TryAddWithoutValidation(name, value);
            }
        });

        // A replayed failure is not repeated: what it left behind is looked for, and a list that is none proves
        // nothing.
        Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync()).Error);
        Assert.Equal(1, sent);
    }

    [Theory]
    [InlineData("FALSE", 1)]
    [InlineData("True", 2)]
    public async Task ShouldRetry_InAnyCase_IsObeyed(string value, int requests)
    {
        int sent = 0;
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/prices"] = Price, ["/v1/payment_links"] = Link }, PaymentHost.LiveKey, (request, response) =>
        {
            if (request.Method == HttpMethod.Post && request.RequestUri!.AbsolutePath == "/v1/payment_links"
                && ++sent == 1)
            {
                response.StatusCode = value == "True" ? HttpStatusCode.BadRequest : HttpStatusCode.ServiceUnavailable;
                response.Headers.TryAddWithoutValidation("stripe-should-retry", value);
            }
        });

        Assert.Equal(requests == 2, await CreatesAsync(host));
        Assert.Equal(requests, sent);
    }

    [Theory]
    [InlineData("""{"data":[],"has_more":true}""", GatewayFailureKind.BadAnswer)]
    [InlineData("""{"data":[{"object":"payment_link"}],"has_more":true}""", GatewayFailureKind.BadAnswer)]
    [InlineData("""{"data":[{"id":"plink_9"}],"has_more":true}""", GatewayFailureKind.BadAnswer)]
    [InlineData("""{"data":{},"has_more":false}""", GatewayFailureKind.BadAnswer)]
    [InlineData("""{"data":[null,1,{"id":"plink_9"}],"has_more":null}""", null)]
    [InlineData("""{"data":[{"id":"plink_9","metadata":null}]}""", null)]
    public async Task FindLinkAsync_ListThatDoesNotEndPlainly_IsNoProofOfAbsence(
        string list, GatewayFailureKind? failure)
    {
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/payment_links"] = list });

        GatewayResult<GatewayLink?> found = await host.Services.GetRequiredService<IPaymentGateway>()
            .FindLinkAsync(new GatewayLinkQuery("tag"), TestContext.Current.CancellationToken);

        Assert.Equal(failure, found.Failure?.Kind);
        Assert.Null(found.Value);
    }

    [Theory]
    [InlineData("\\ud83d")]
    [InlineData("\u0001")]
    public async Task Refusal_WithAMessageThatIsNoText_IsStillARefusal(string message)
    {
        byte[] broken = [.. Encoding.UTF8.GetBytes(
            """{"error":{"type":"invalid_request_error","code":"amount_too_small","message":" """), .. message == "\u0001" ? [0xC3] : Encoding.ASCII.GetBytes(message), .. "\"}}"u8];
        using PaymentHost host = Host(new Dictionary<string, string> { ["/v1/prices"] = Price }, PaymentHost.LiveKey, (request, response) =>
        {
            if (request.Method == HttpMethod.Post)
            {
                response.StatusCode = HttpStatusCode.BadRequest;
                response.Content = new ByteArrayContent(broken);
            }
        });

        PaymentException exception = await host.FailsAsync();

        Assert.Equal((PaymentError.Rejected, "amount_too_small"), (exception.Error, exception.ProviderCode));
    }

    [Fact]
    public async Task LongAnswer_ThatBreaksOff_LeavesNoBufferWithTwoOwners()
    {
        using PaymentHost host = Host(new Dictionary<string, string>(), change: (_, response) =>
            response.Content = new StreamContent(new BreaksOff(20_000)));

        GatewayResult<bool> probe =
            await host.Services.GetRequiredService<IPaymentGateway>().ProbeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(GatewayFailureKind.ConnectionLost, probe.Failure?.Kind);
        byte[][] rented = [.. Enumerable.Range(0, 64).Select(_ => ArrayPool<byte>.Shared.Rent(8192))];
        Assert.Equal(rented.Length, rented.Distinct(ReferenceEqualityComparer.Instance).Count());
    }

    [Fact]
    public async Task FindPriceAsync_FilterIgnoredAndArchivedFirst_FindsTheActiveOne()
    {
        using PaymentHost host = Host(new Dictionary<string, string>
        {
            ["/v1/prices"] = """{"data":[{"id":"price_a","lookup_key":"other"},{"id":"price_b","lookup_key":"key","active":false},{"id":"price_c","lookup_key":"key","active":true}]}""",
        });

        GatewayResult<GatewayPrice?> found = await host.Services.GetRequiredService<IPaymentGateway>()
            .FindPriceAsync("key", TestContext.Current.CancellationToken);

        Assert.Equal("price_c", found.Value?.Id);
    }

    [Theory]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","payment_status":"paid","amount_total":1250,"currency":"USD"}""", PaymentStatus.Succeeded, false)]
    [InlineData("""{"id":"cs_1","payment_link":{"id":"plink_1"},"status":"complete","payment_status":"paid","amount_total":1250,"currency":"usd"}""", PaymentStatus.Succeeded, false)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","status":"complete","payment_status":"unpaid","amount_total":1250,"currency":"usd"}""", PaymentStatus.Processing, false)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","status":"complete","payment_status":"a_state_of_the_future","amount_total":1250,"currency":"usd"}""", PaymentStatus.Processing, false)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","status":"complete","payment_status":"no_payment_required","amount_total":0,"currency":"usd"}""", PaymentStatus.Pending, true)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","status":"complete","payment_status":"paid","amount_total":null,"currency":null}""", PaymentStatus.Pending, true)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_1","status":"expired","payment_status":"unpaid"}""", PaymentStatus.Pending, false)]
    [InlineData("""{"id":"cs_1","payment_link":"plink_2","status":"complete","payment_status":"paid","amount_total":1250,"currency":"usd"}""", PaymentStatus.Pending, false)]
    [InlineData("""{"id":"cs_1","payment_link":null,"status":null,"payment_status":null}""", PaymentStatus.Pending, false)]
    public async Task GetStatusAsync_SessionOfEveryShape_IsReadWithCare(
        string session, PaymentStatus expected, bool isMismatch)
    {
        using PaymentHost host = Host(new Dictionary<string, string>
        {
            ["/v1/prices"] = Price,
            ["/v1/payment_links"] = Link,
            ["/v1/checkout/sessions"] = $$"""{"object":"list","data":[{{session}}],"has_more":false}""",
        });
        await host.CreateAsync();

        PaymentLink now = await host.RunAsync(host.Links.GetStatusAsync("plink_1"));

        Assert.Equal((expected, isMismatch), (now.Status, now.HasAmountMismatch));
    }

    [Fact]
    public async Task CreateAsync_PriceOfAnotherAmount_IsNotUsed()
    {
        using PaymentHost host = Host(new Dictionary<string, string>
        {
            ["/v1/prices"] = Price.Replace("1250", "125000", StringComparison.Ordinal),
            ["/v1/payment_links"] = Link,
        }, PaymentHost.LiveKey);

        Assert.Equal(PaymentError.Unavailable, (await host.FailsAsync()).Error);
    }

    private static async Task<bool> CreatesAsync(PaymentHost host)
    {
        try
        {
            await host.CreateAsync();
            return true;
        }
        catch (PaymentException)
        {
            return false;
        }
    }

    private static PaymentHost Host(
        Dictionary<string, string> bodies, string key = PaymentHost.TestKey, Action<HttpRequestMessage,
        HttpResponseMessage>? change = null) =>
        new(key: key, configure: options => options.FallBackToSimulated = false,
            build: builder => builder.HttpClient.ConfigurePrimaryHttpMessageHandler(() => new Canned(bodies, change)));

    private sealed class BreaksOff(int after) : MemoryStream(new byte[after])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < Length ? base.ReadAsync(buffer, cancellationToken) : throw new IOException("Broken off.");
    }

    /// <summary>Answers by path; writes to one price answer with the price.</summary>
    private sealed class Canned(
        Dictionary<string, string> bodies, Action<HttpRequestMessage, HttpResponseMessage>? change) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string path = request.RequestUri!.AbsolutePath;
            string body = path == "/v1/balance" && !bodies.ContainsKey(path)
                ? """{"object":"balance"}"""
                : bodies.GetValueOrDefault(path, Price);
            var response = new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StreamContent(
                new MemoryStream(Encoding.UTF8.GetBytes(body)))
            };
            change?.Invoke(request, response);
            return Task.FromResult(response);
        }
    }
}
