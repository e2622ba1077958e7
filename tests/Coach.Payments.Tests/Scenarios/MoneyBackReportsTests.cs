using System.Globalization;
using System.Text;
using Coach.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>What sellers report of money that goes back: refunds, disputes, authorisations, and the payer's own
/// currency.</summary>
public sealed class MoneyBackReportsTests
{
    private const string Completed = "checkout.session.completed";
    private const string ConvertedSession = """
        "amount_subtotal":1161,"amount_total":1161,"currency":"eur","total_details":{"amount_discount":0},
        "currency_conversion":{"amount_subtotal":1250,"amount_total":1250,"fx_rate":"0.9288","source_currency":"usd"}
        """;

    [Fact(DisplayName = "woocommerce-payments#1051: an inquiry takes no money; one that is closed gives none back")]
    public async Task Inquiry_ToldAndClosed_MovesNoMoney()
    {
        using PaidShop shop = await PaidAsync();
        await DisputeAsync(shop, "charge.dispute.created", "warning_needs_response");
        await DisputeAsync(shop, "charge.dispute.updated", "warning_under_review");
        await DisputeAsync(shop, "charge.dispute.closed", "warning_closed");

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(shop.Host);

        Assert.Equal(
            [(PaymentFactKind.Disputed, true, 0, 0), (PaymentFactKind.DisputeWon, true, 0, 0)],
            facts.Select(fact => (fact.Kind, fact.IsInquiry, fact.ReversedMinorUnits!.Value, fact.TotalReversedMinorUnits!.Value)));
    }

    [Theory(DisplayName = "An inquiry that becomes a chargeback is told again, with the money it takes")]
    [InlineData("warning_needs_response needs_response", 1250, "Disputed Disputed")]
    [InlineData("warning_needs_response needs_response warning_under_review", 1250, "Disputed Disputed")]
    [InlineData("warning_needs_response needs_response under_review lost", 1250, "Disputed Disputed DisputeLost")]
    [InlineData("warning_needs_response needs_response won", 0, "Disputed Disputed DisputeWon")]
    [InlineData("warning_needs_response won", 0, "Disputed Disputed DisputeWon")]
    [InlineData("warning_needs_response lost", 1250, "Disputed Disputed DisputeLost")]
    [InlineData("warning_closed needs_response lost", 1250, "Disputed DisputeWon Disputed DisputeLost")]
    [InlineData("needs_response charge_refunded", 0, "Disputed DisputeWon")]
    [InlineData("needs_response a_status_of_the_future won won", 0, "Disputed DisputeWon")]
    [InlineData("lost won needs_response", 1250, "Disputed DisputeLost")]
    public async Task Inquiry_BecomesAChargeback_IsToldAgain(string statuses, long gone, string kinds)
    {
        using PaidShop shop = await PaidAsync();
        foreach (string status in statuses.Split(' '))
        {
            await DisputeAsync(shop, "charge.dispute.updated", status);
        }

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(shop.Host);

        Assert.Equal(kinds, string.Join(' ', facts.Select(fact => fact.Kind)));
        Assert.Equal(gone, facts.Sum(fact => fact.ReversedMinorUnits));
        Assert.Equal(gone, facts[^1].TotalReversedMinorUnits);
        Assert.Equal(facts.Count, facts.Select(fact => fact.Id).Distinct().Count());
    }

    [Fact(DisplayName = "elizaOS#11155: what is given back and disputed, too, is gone once; a won dispute leaves the refund")]
    public async Task RefundAndDispute_OfTheSameMoney_CountOnce()
    {
        using PaidShop shop = await PaidAsync();
        await SendAsync(shop.Host, "refund.created", Refund(shop, "re_1", 500));
        await DisputeAsync(shop, "charge.dispute.created", "needs_response");
        await SendAsync(shop.Host, "refund.created", Refund(shop, "re_2", 250));
        await DisputeAsync(shop, "charge.dispute.closed", "won");

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(shop.Host);

        Assert.Equal(
            [(500, 500), (750, 1250), (0, 1250), (-500, 750)],
            facts.Select(fact => (fact.ReversedMinorUnits!.Value, fact.TotalReversedMinorUnits!.Value)));
        Assert.Equal(750, (await shop.Host.Links.FindAsync(shop.Link.Id))!.RefundedMinorUnits);
    }

    [Fact(DisplayName = "polar#8344: a dispute over more than was paid takes no more than was paid")]
    public async Task DisputeOverMore_IsGoneUpToWhatWasPaid()
    {
        using PaidShop shop = await PaidAsync();
        await DisputeAsync(shop, "charge.dispute.created", "needs_response", 1300);

        PaymentFact fact = Assert.Single(await PaidShop.FactsAsync(shop.Host));

        Assert.Equal((1300, 1250L, 1250L), (fact.MinorUnits, fact.ReversedMinorUnits, fact.TotalReversedMinorUnits));
    }

    [Theory(DisplayName = "woocommerce-gateway-stripe#1480: an authorisation that is let go is no refund")]
    [InlineData(1250, 0, false, 1250, 0)]
    [InlineData(1250, null, false, 1250, 0)]
    [InlineData(1500, 1250, true, 250, 0)]
    [InlineData(1500, 1250, true, 1000, 750)]
    [InlineData(1250, null, true, 1250, 1250)]
    [InlineData(1250, 0, true, 1250, 1250)]
    public async Task Uncaptured_IsNotGivenBack(long amount, int? captured, bool isCaptured, long shown, long expected)
    {
        using PaidShop shop = await PaidAsync();
        string part = captured is null ? "" : Text($"\"amount_captured\":{captured},");
        await SendAsync(shop.Host, "charge.refunded", Text(
            $$"""
            {"id":"{{shop.Session.ChargeId}}","payment_intent":"{{shop.Session.PaymentIntentId}}","amount":{{amount}},{{part}}
            "captured":{{(isCaptured ? "true" : "false")}},"amount_refunded":{{shown}},"currency":"usd"}
            """));

        Assert.Equal(expected, (await shop.Host.Links.FindAsync(shop.Link.Id))!.RefundedMinorUnits);
        Assert.Equal(expected > 0 ? 1 : 0, (await shop.DrainAsync()).Count);
    }

    [Fact(DisplayName = "An authorisation that ran out comes as a refund, and is none")]
    public async Task RefundOfAnExpiredAuthorisation_IsIgnored()
    {
        using PaidShop shop = await PaidAsync();

        WebhookOutcome outcome = await SendAsync(shop.Host, "refund.created",
            Refund(shop, "re_1", 1250, ",\"reason\":\"expired_uncaptured_charge\""));

        Assert.Equal(WebhookEffect.Ignored, outcome.Effect);
        Assert.Empty(await shop.DrainAsync());
    }

    [Theory(DisplayName = "Smartstore#1584: before basil, money goes back in the payer's currency; it is told in the link's")]
    [InlineData("session charge", 1161, 1250, PaymentFactKind.Refunded)]
    [InlineData("charge session", 1161, 1250, PaymentFactKind.Refunded)]
    [InlineData("session refund", 1161, 1250, PaymentFactKind.Refunded)]
    [InlineData("refund session", 1161, 1250, PaymentFactKind.Refunded)]
    [InlineData("refund charge session", 1161, 1250, PaymentFactKind.Refunded)]
    [InlineData("session refund", 500, 538, PaymentFactKind.PartlyRefunded)]
    [InlineData("session refund charge", 500, 538, PaymentFactKind.PartlyRefunded)]
    [InlineData("session dispute", 1161, 1250, PaymentFactKind.Disputed)]
    [InlineData("dispute session", 500, 538, PaymentFactKind.Disputed)]
    public async Task PayersCurrency_MoneyBack_IsToldInTheLinks(
        string order, long euroCents, long cents, PaymentFactKind kind)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        foreach (string part in order.Split(' '))
        {
            string body = part switch
            {
                "session" => Text(
                    $$"""
                    {"id":"cs_1","payment_link":"{{link.Id}}","status":"complete","payment_status":"paid",
                    "payment_intent":"pi_1",{{ConvertedSession}}}
                    """),
                "charge" => Text(
                    $$"""
                    {"id":"ch_1","payment_intent":"pi_1","amount":1161,"amount_refunded":{{euroCents}},"currency":"eur"}
                    """),
                "refund" => Text(
                    $$"""
                    {"id":"re_1","payment_intent":"pi_1","charge":"ch_1","amount":{{euroCents}},"currency":"eur","status":"succeeded"}
                    """),
                _ => Text(
                    $$"""
                    {"id":"dp_1","payment_intent":"pi_1","charge":"ch_1","amount":{{euroCents}},"currency":"eur","status":"needs_response"}
                    """),
            };
            string type = part switch
            {
                "session" => Completed,
                "charge" => "charge.refunded",
                "refund" => "refund.created",
                _ => "charge.dispute.created",
            };
            await SendAsync(host, type, body);
        }

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(host);

        Assert.Equal([PaymentFactKind.Paid, kind], facts.Select(fact => fact.Kind));
        Assert.Equal((cents, "usd", (long?)cents), (facts[1].MinorUnits, facts[1].Currency, facts[1].ReversedMinorUnits));
    }

    [Theory(DisplayName = "Before basil, discount, shipping and tax are in the payer's currency; what the link allows still explains the total")]
    [InlineData(0, 1161, 0, 0, 0, true)]
    [InlineData(1125, 1045, 116, 0, 0, true)]
    [InlineData(0, 0, 1161, 0, 0, true)]
    [InlineData(1351, 1255, 0, 0, 94, true)]
    [InlineData(1225, 1138, 117, 0, 94, true)]
    [InlineData(1125, 1045, 0, 0, 0, false)]
    public async Task PayersCurrency_DiscountAndTax_AreConverted(
        long total, long shownTotal, long discount, long shipping, long tax, bool isExact)
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync(PaymentHost.Order() with
        {
            Options = new PaymentLinkOptions { AllowPromotionCodes = true, AutomaticTax = true },
        });
        long sourceTotal = shownTotal == 1161 ? 1250 : total;
        await SendAsync(host, Completed, Text(
            $$"""
            {"id":"cs_1","payment_link":"{{link.Id}}","status":"complete","payment_status":"paid","payment_intent":"pi_1",
            "amount_subtotal":1161,"amount_total":{{shownTotal}},"currency":"eur",
            "total_details":{"amount_discount":{{discount}},"amount_shipping":{{shipping}},"amount_tax":{{tax}} },
            "currency_conversion":{"amount_subtotal":1250,"amount_total":{{sourceTotal}},"source_currency":"usd"} }
            """));

        PaymentLink now = (await host.Links.FindAsync(link.Id))!;

        Assert.Equal(!isExact, now.HasAmountMismatch);
        Assert.Equal((sourceTotal, "usd"), (now.PaidMinorUnits, now.PaidCurrency));
    }

    [Theory(DisplayName = "pinax-stripe#311: a dispute or refund that names its charge alone, as an object, finds the order")]
    [InlineData("charge.dispute.created", "\"status\":\"needs_response\"", PaymentFactKind.Disputed)]
    [InlineData("charge.refund.updated", "\"status\":\"succeeded\"", PaymentFactKind.Refunded)]
    public async Task ChargeAsAnObject_LeadsToThePayment(string type, string fields, PaymentFactKind kind)
    {
        using PaidShop shop = await PaidAsync();
        await SendAsync(shop.Host, type, Text(
            $$"""
            {"id":"xx_1","amount":1250,"currency":"usd",{{fields}},"payment_intent":null,
            "charge":{"id":"{{shop.Session.ChargeId}}","object":"charge","payment_intent":"{{shop.Session.PaymentIntentId}}"} }
            """));

        PaymentFact fact = Assert.Single(await PaidShop.FactsAsync(shop.Host));

        Assert.Equal((kind, "order-1:1"), (fact.Kind, fact.OperationKey));
    }

    [Fact(DisplayName = "A refund of a payment of another amount than asked for says so")]
    public async Task RefundOfAMismatch_CarriesThePayment()
    {
        using var host = new PaymentHost();
        PaymentLink link = await host.CreateAsync();
        await SendAsync(host, Completed, Text(
            $$"""
            {"id":"cs_1","payment_link":"{{link.Id}}","status":"complete","payment_status":"paid","payment_intent":"pi_1",
            "amount_total":900,"currency":"usd"}
            """));
        await SendAsync(host, "charge.refunded",
            "{\"id\":\"ch_1\",\"payment_intent\":\"pi_1\",\"amount\":900,\"amount_refunded\":900,\"currency\":\"usd\"}");

        IReadOnlyList<PaymentFact> facts = await PaidShop.FactsAsync(host);

        Assert.Equal([PaymentFactKind.AmountMismatch, PaymentFactKind.Refunded], facts.Select(fact => fact.Kind));
        Assert.True(facts[1].Payment!.HasAmountMismatch);
    }

    private static async Task<PaidShop> PaidAsync()
    {
        PaidShop shop = await PaidShop.OpenAsync();
        await shop.DeliverAsync(shop.Webhook(Completed));
        await shop.DrainAsync();
        return shop;
    }

    private static Task DisputeAsync(PaidShop shop, string type, string status, long? amount = null) =>
        shop.DeliverAsync(shop.Host.Fake.BuildDisputeWebhook(type, shop.Session.Id, "dp_1", status, amount));

    private static string Refund(PaidShop shop, string id, long amount, string more = "") => Text(
        $$"""
        {"id":"{{id}}","payment_intent":"{{shop.Session.PaymentIntentId}}","charge":"{{shop.Session.ChargeId}}",
        "amount":{{amount}},"currency":"usd","status":"succeeded"{{more}}}
        """);

    private static Task<WebhookOutcome> SendAsync(PaymentHost host, string type, string item)
    {
        string id = Text($"evt_{Guid.NewGuid():N}");
        string body = Text(
            $$"""
            {"id":"{{id}}","type":"{{type}}","created":{{host.Clock.GetUtcNow().ToUnixTimeSeconds()}},"data":{"object":{{item}} } }
            """);
        StripeWebhook webhook = StripeWebhook.Sign(
            Encoding.UTF8.GetBytes(body), host.Fake.WebhookSecret, host.Clock.GetUtcNow());
        return host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
