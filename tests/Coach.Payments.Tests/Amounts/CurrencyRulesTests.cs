using Coach.Payments.Amounts;
using Coach.Testing;
using Sdk = global::Stripe;

namespace Coach.Payments.Tests.Amounts;

/// <summary>Every currency of Stripe's page (https://docs.stripe.com/currencies, read 2026-11), written down here a second
/// time, and Stripe's own library as the judge of what goes over the wire.</summary>
public sealed class CurrencyRulesTests
{
    private static readonly string[] Zero =
        ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

    private static readonly string[] Three = ["bhd", "jod", "kwd", "omr", "tnd"];

    private static readonly string[] WholeOnly = ["isk", "ugx"];

    // Two decimals on the wire although people write none or the payout takes none: the page's special cases.
    private static readonly string[] SpecialTwo = ["huf", "twd", "idr"];

    public static TheoryData<string> All => [.. CurrencyRules.Codes];

    [Fact]
    public void Codes_OfThePage_AreThere()
    {
        Assert.All(Zero.Concat(Three).Concat(WholeOnly).Concat(SpecialTwo), static code =>
            Assert.NotNull(CurrencyRules.Find(code)));
        Assert.InRange(CurrencyRules.Codes.Count(), 130, 180);
        Assert.All(CurrencyRules.Codes, static code => Assert.Matches("^[a-z]{3}$", code));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Find_EachCurrency_CountsAsThePageSays(string code)
    {
        CurrencyRules rules = CurrencyRules.Find(code)!;
        (int digits, long step) = code switch
        {
            _ when Zero.Contains(code) => (0, 1L),
            _ when Three.Contains(code) => (3, 10L),
            _ when WholeOnly.Contains(code) => (2, 100L),
            _ => (2, 1L),
        };
        long most = code == "idr" ? 999_999_999_999 : 99_999_999;

        Assert.Equal((digits, step, most), (rules.MinorDigits, rules.Step, rules.Maximum));
        Assert.Same(rules, CurrencyRules.Find(code.ToUpperInvariant()));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Create_AtTheLimitsOfEachCurrency_IsTakenAndNothingBeyond(string code)
    {
        CurrencyRules rules = CurrencyRules.Find(code)!;
        long most = rules.Maximum / rules.Step * rules.Step;

        Assert.True(Money.TryCreate(rules.Step, code, out _));
        Assert.True(Money.TryCreate(most, code, out _));
        Assert.False(Money.TryCreate(most + rules.Step, code, out _));
        Assert.False(Money.TryCreate(-rules.Step, code, out _));
        Assert.Equal(rules.Step == 1, Money.TryCreate(rules.Step + 1, code, out _));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Parse_WhatIsShown_GivesTheSameAmount(string code)
    {
        CurrencyRules rules = CurrencyRules.Find(code)!;
        foreach (long units in new[] { rules.Step, 12_340 * rules.Step, rules.Maximum / rules.Step * rules.Step })
        {
            if (units <= rules.Maximum)
            {
                Money money = Money.Create(units, code);
                Assert.Equal(money, Money.Parse(money.ToString()));
            }
        }
    }

    [Fact]
    public async Task Price_OfEveryCurrency_IsTheSameToStripesLibrary()
    {
        using var host = new PaymentHost();
        var client = new Sdk.StripeClient(
            PaymentHost.TestKey, httpClient: new Sdk.SystemNetHttpClient(new HttpClient(host.Fake.CreateHandler())));
        var prices = new Sdk.PriceService(client);
        foreach (string code in CurrencyRules.Codes)
        {
            CurrencyRules rules = CurrencyRules.Find(code)!;
            host.Clock.Advance(TimeSpan.FromSeconds(1)); // the limit of requests
            long units = Math.Min(54_321 * rules.Step, rules.Maximum); // above every least amount
            await host.CreateAsync(PaymentHost.Order($"order-{code}", units, code));
            Sdk.Price price = await prices.GetAsync(
                host.Fake.Prices[^1].Id, cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal((code, units), (price.Currency, price.UnitAmount!.Value));
            Assert.Equal(units, price.UnitAmountDecimal);
        }
    }
}
