using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Sdk = global::Stripe;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>Stripe's own library as the judge of what is written by hand here: signatures, amounts, shapes.</summary>
public sealed class StripeNetTests
{
    private const string Body = """{"id":"evt_1","object":"event","type":"checkout.session.completed"}""";
    private const string Endpoint = "whsec_coach_testing";
    private const long Now = 1_800_000_000;
    private const long Tolerance = 300;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("t={t},v1={right}")]
    [InlineData("v1={right},t={t}")]
    [InlineData("t={t},v1={wrong},v1={right}")]
    [InlineData("t={t},v0={right},v1={right}")]
    [InlineData(" t={t} , v1={right} ")]
    [InlineData("t={t},v1={right},scheme=v1")]
    [InlineData("t={t},v1={right},x")]
    [InlineData("t={t},v1={right},")]
    [InlineData("t={t},v1={right}", -300)]
    [InlineData("t={t},v1={right}", 300)]
    [InlineData("t={t},v1={right}", -301)]
    [InlineData("t={t},v1={right}", 301)]
    [InlineData("t={t},v1={wrong}")]
    [InlineData("t={t},v0={right}")]
    [InlineData("t={t}")]
    [InlineData("v1={right}")]
    [InlineData("t=,v1={right}")]
    [InlineData("t=later,v1={right}")]
    [InlineData("t={t},v1=")]
    [InlineData("{right}")]
    public void Signature_OfAHeader_IsAcceptedOrRefusedAsByTheLibrary(string header, long offset = 0)
    {
        string time = (Now + offset).ToString(System.Globalization.CultureInfo.InvariantCulture);
        string right = Sdk.EventUtility.ComputeSignature(Endpoint, time, Body);
        header = header.Replace("{t}", time, StringComparison.Ordinal)
            .Replace("{right}", right, StringComparison.Ordinal)
            .Replace("{wrong}", new string('0', right.Length), StringComparison.Ordinal);

        Assert.Equal(IsGenuineToTheLibrary(Body, header), IsGenuineHere(Body, header));
    }

    [Fact]
    public void Signature_OfMutatedHeadersAndBodies_IsNeverMoreGenerousThanTheLibrary()
    {
        const int seed = 20261129;
        var random = new Random(seed);
        string header = Sdk.EventUtility.GenerateSignatureHeader(Body, Endpoint, Now);
        int accepted = 0;
        for (int i = 0; i < 5000; i++)
        {
            string mutatedHeader = Mutate(header, random);
            string mutatedBody = random.Next(4) == 0 ? Mutate(Body, random) : Body;
            bool isGenuine = IsGenuineHere(mutatedBody, mutatedHeader);
            accepted += isGenuine ? 1 : 0;
            Assert.True(!isGenuine || IsGenuineToTheLibrary(mutatedBody, mutatedHeader),
                $"Seed {seed}, mutation {i}: '{mutatedHeader}' is accepted here only.");
        }

        Assert.InRange(accepted, 1, 4999);
    }

    [Fact]
    public void Signature_OfTheFakesWebhook_IsGenuineToTheLibrary()
    {
        StripeWebhook webhook =
            StripeWebhook.Sign(Encoding.UTF8.GetBytes(Body), Endpoint, DateTimeOffset.FromUnixTimeSeconds(Now));

        Assert.True(IsGenuineToTheLibrary(Body, webhook.SignatureHeader));
    }

    [Theory]
    [InlineData(1250, "usd")]
    [InlineData(500, "jpy")]
    [InlineData(5120, "kwd")]
    [InlineData(500, "isk")]
    [InlineData(Money.MaxMinorUnits, "eur")]
    public async Task Price_OfEveryKindOfCurrency_IsTheSameToTheLibrary(long minorUnits, string currency)
    {
        using var host = new PaymentHost();
        await host.CreateAsync(PaymentHost.Order(amount: minorUnits, currency: currency));
        StripeFakePrice made = Assert.Single(host.Fake.Prices);

        Sdk.Price price = await new Sdk.PriceService(ClientOf(host.Fake))
            .GetAsync(made.Id, cancellationToken: Token);

        Assert.Equal(
            (minorUnits, currency, made.LookupKey), (price.UnitAmount!.Value, price.Currency, price.LookupKey));
        GatewayPrice? read = StripeObjects.ReadPrice(JsonOf(price), DateTimeOffset.UnixEpoch, isNew: false);
        Assert.Equal((price.Id, Money.Create(minorUnits, currency)), (read?.Id, read?.Amount));
        Assert.Equal(price.Created, read!.CreatedAt!.Value.UtcDateTime);
    }

    [Fact]
    public async Task Link_MadeHere_IsTheSameToTheLibrary()
    {
        using var host = new PaymentHost();
        PaymentLink made = await host.CreateAsync(PaymentHost.Order() with
        {
            Items =
            [
                new PaymentLineItem("Negroni", Money.Create(500, "usd"), 2),
                new PaymentLineItem("Tip 25 %", Money.Create(250, "usd")),
            ],
            Metadata = new Dictionary<string, string> { ["table"] = "4 & 5" },
            RedirectUrl = new Uri("https://example.com/paid?session={CHECKOUT_SESSION_ID}"),
        });

        Sdk.PaymentLink link = await new Sdk.PaymentLinkService(ClientOf(host.Fake))
            .GetAsync(made.Id, cancellationToken: Token);

        Assert.Equal((made.Url.AbsoluteUri, true, "4 & 5"), (link.Url, link.Active, link.Metadata["table"]));
        Assert.Equal(1, link.Restrictions.CompletedSessions.Limit);
        Assert.Equal("https://example.com/paid?session={CHECKOUT_SESSION_ID}", link.AfterCompletion.Redirect.Url);
    }

    [Fact]
    public async Task Link_MadeByTheLibrary_IsFoundClosedAndPaidHere()
    {
        using var host = new PaymentHost();
        Sdk.StripeClient client = ClientOf(host.Fake);
        Sdk.Price price = await new Sdk.PriceService(client).CreateAsync(new Sdk.PriceCreateOptions
        {
            Currency = "usd",
            UnitAmount = 1250,
            ProductData = new Sdk.PriceProductDataOptions { Name = "Bar tab" },
            LookupKey = "coach_tag1",
        }, cancellationToken: Token);
        Sdk.PaymentLink made = await new Sdk.PaymentLinkService(client).CreateAsync(new Sdk.PaymentLinkCreateOptions
        {
            LineItems = [new Sdk.PaymentLinkLineItemOptions { Price = price.Id, Quantity = 1 }],
            Metadata = new Dictionary<string, string> { [PaymentMetadata.Tag] = "tag1" },
        }, cancellationToken: Token);
        var gateway = host.Services.GetRequiredService<IPaymentGateway>();

        GatewayPrice? foundPrice = (await gateway.FindPriceAsync("coach_tag1", Token)).Value;
        GatewayLink? found = (await gateway.FindLinkAsync(new GatewayLinkQuery("tag1"), Token)).Value;
        host.Fake.Pay(made.Id);
        var query = new GatewaySessionQuery(made.Id, Money.Create(1250, "usd"), host.Clock.GetUtcNow());
        IReadOnlyList<GatewaySession>? sessions = (await gateway.ListSessionsAsync(query, Token)).Value;
        GatewayLink? closed = (await gateway.DeactivateLinkAsync(made.Id, Token)).Value;

        Assert.Equal((price.Id, Money.Create(1250, "usd")), (foundPrice?.Id, foundPrice?.Amount));
        Assert.Equal((made.Id, made.Url), (found?.Id, found?.Url.AbsoluteUri));
        Assert.Equal((GatewaySessionState.Paid, 1250L, "usd"), State(Assert.Single(sessions!)));
        Assert.False(closed?.IsActive);
    }

    [Theory]
    [InlineData(true, GatewaySessionState.Paid)]
    [InlineData(false, GatewaySessionState.CompleteUnpaid)]
    public async Task Session_OfAWebhook_IsReadAsByTheLibrary(bool isPaid, GatewaySessionState expected)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        StripeFakeSession paid = host.Fake.Pay(link.Id, isPaid)!;
        StripeWebhook webhook = host.Fake.BuildWebhook("checkout.session.completed", paid.Id);
        string body = Encoding.UTF8.GetString(webhook.Body.Span);

        Sdk.Event told = Sdk.EventUtility.ConstructEvent(body, webhook.SignatureHeader, host.Fake.WebhookSecret,
            Tolerance, host.Clock.GetUtcNow().ToUnixTimeSeconds(), throwOnApiVersionMismatch: false);

        var session = Assert.IsType<Sdk.Checkout.Session>(told.Data.Object);
        using JsonDocument document = JsonDocument.Parse(body);
        JsonElement json = document.RootElement.GetProperty("data").GetProperty("object");
        GatewaySession read = StripeObjects.ReadSession(json)!;
        Assert.Equal((expected, session.AmountTotal!.Value, session.Currency), State(read));
        Assert.Equal(session.PaymentLinkId, StripeObjects.ReadReference(json, "payment_link"));
        Assert.Equal(session.Metadata[PaymentMetadata.Tag], StripeObjects.ReadMetadata(json, PaymentMetadata.Tag));
    }

    private static (GatewaySessionState State, long Amount, string Currency) State(GatewaySession session) =>
        (session.State, session.AmountTotal!.Value, session.Currency!);

    private static Sdk.StripeClient ClientOf(StripeFake fake) => new(new Sdk.StripeClientOptions
    {
        ApiKey = PaymentHost.TestKey,
        HttpClient = new Sdk.SystemNetHttpClient(new HttpClient(fake.CreateHandler())),
    });

    private static JsonElement JsonOf(Sdk.StripeEntity entity) => entity.RawJsonElement
        ?? throw new InvalidOperationException("The library keeps what it read.");

    private static bool IsGenuineHere(string body, string header)
    {
        WebhookVerdict verdict = WebhookSignature.Verify(Encoding.UTF8.GetBytes(body), header, Secret.From(Endpoint),
            DateTimeOffset.FromUnixTimeSeconds(Now), TimeSpan.FromSeconds(Tolerance));
        return verdict == WebhookVerdict.Authentic;
    }

    // Its refusals are exceptions of several kinds: its own, and those of parsing.
    private static bool IsGenuineToTheLibrary(string body, string header)
    {
        try
        {
            Sdk.EventUtility.ValidateSignature(body, header, Endpoint, Tolerance, Now);
            return true;
        }
        catch (Exception exception) when (exception is Sdk.StripeException or FormatException or OverflowException
            or IndexOutOfRangeException or ArgumentException)
        {
            return false;
        }
    }

    private static string Mutate(string text, Random random)
    {
        int at = random.Next(text.Length);
        string any = ((char)random.Next(' ', '~')).ToString();
        return random.Next(5) switch
        {
            0 => text.Remove(at, 1),
            1 => text.Insert(at, any),
            2 => text.Remove(at, 1).Insert(at, any),
            3 => text + ",v1=" + new string('a', 64),
            _ => text.Insert(0, "v1=0,"),
        };
    }
}
