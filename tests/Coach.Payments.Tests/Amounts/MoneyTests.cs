using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Payments.Tests.Amounts;

public sealed class MoneyTests
{
    [Theory]
    [InlineData(1250, "usd", "12.50 USD")]
    [InlineData(1250, "USD", "12.50 USD")]
    [InlineData(500, "jpy", "500 JPY")]
    [InlineData(500, "isk", "5 ISK")]
    [InlineData(300, "ugx", "3 UGX")]
    [InlineData(12345, "huf", "123.45 HUF")]
    [InlineData(12345, "twd", "123.45 TWD")]
    [InlineData(5120, "kwd", "5.120 KWD")]
    [InlineData(0, "eur", "0.00 EUR")]
    [InlineData(99_999_999, "usd", "999999.99 USD")]
    public void ToString_OfAnAmount_ReadsAsPeopleWriteIt(long minorUnits, string currency, string expected)
    {
        Money money = Money.Create(minorUnits, currency);

        Assert.Equal(expected, money.ToString());
        Assert.Equal(money, Money.Parse(expected));
    }

    [Theory]
    [InlineData(-1, "usd", "The amount is -1 minor units; it must be between 0 and 99999999.")]
    [InlineData(100_000_000, "usd", "The amount is 100000000 minor units; it must be between 0 and 99999999.")]
    [InlineData(550, "isk", "The amount is 550 minor units of isk; Stripe takes only multiples of 100 there.")]
    [InlineData(5124, "kwd", "The amount is 5124 minor units of kwd; Stripe takes only multiples of 10 there.")]
    [InlineData(100, "xx", "The currency must be an ISO 4217 code that Stripe takes, such as 'usd'.")]
    [InlineData(100, "xxx", "The currency must be an ISO 4217 code that Stripe takes, such as 'usd'.")]
    [InlineData(100, null, "The currency must be an ISO 4217 code that Stripe takes, such as 'usd'.")]
    [InlineData(100, "u\u017Fd", "The currency must be an ISO 4217 code that Stripe takes, such as 'usd'.")]
    public void TryCreate_WhatStripeCannotCharge_IsRefusedWithTheReason(
        long minorUnits, string? currency, string problem)
    {
        Assert.False(Money.TryCreate(minorUnits, currency, out Money money, out string? said));
        Assert.True(money.IsEmpty);
        Assert.Equal(problem, said);
        Assert.ThrowsAny<ArgumentException>(() => Money.Create(minorUnits, currency!));
    }

    [Theory]
    [InlineData("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf", 1L)]
    [InlineData("bhd jod kwd omr tnd", 1000L)]
    [InlineData("usd eur gbp isk ugx huf twd", 100L)]
    public void Parse_One_IsThatManyMinorUnits(string currencies, long minorUnits) =>
        Assert.All(currencies.Split(' '), currency => Assert.Equal(minorUnits, Money.Parse("1", currency).MinorUnits));

    [Theory]
    [InlineData("12.5 usd", 1250L)]
    [InlineData("USD 12.50", 1250L)]
    [InlineData("  1,234.50 usd ", 123450L)]
    [InlineData("1,234,5 usd", null)]
    [InlineData("12.345 usd", null)]
    [InlineData("12. usd", null)]
    [InlineData(".5 usd", null)]
    [InlineData("-1 usd", null)]
    [InlineData("1e3 usd", null)]
    [InlineData("NaN usd", null)]
    [InlineData("12.50", null)]
    [InlineData("12.50 xyz", null)]
    [InlineData("1.5 jpy", null)]
    [InlineData("999999999999999999999 usd", null)]
    [InlineData("$12.50 usd", null)]
    [InlineData("", null)]
    public void TryParse_WhatPeopleType_IsExactOrRefused(string text, long? minorUnits)
    {
        Assert.Equal(minorUnits is not null, Money.TryParse(text, null, out Money money));
        Assert.Equal(minorUnits ?? 0, money.MinorUnits);
    }

    [Theory]
    [InlineData(new[] { 3 }, "617,283.94")]
    [InlineData(new[] { 3, 2 }, "6,17,283.94")]
    [InlineData(new[] { 4 }, "61,7283.94")]
    [InlineData(new[] { 2, 0 }, "6172,83.94")]
    public void ParseAndFormat_OfEveryGrouping_AreInverse(int[] sizes, string text)
    {
        var format = new NumberFormatInfo { NumberGroupSizes = sizes };
        Money money = Money.Create(61_728_394, "usd");
        Assert.Equal(text + " USD", money.ToString(format));
        Assert.Equal(money, Money.Parse(text, "usd", format));
        foreach (
            string wrong in new[]
            { "," + text, text.Replace(",", ",,", StringComparison.Ordinal), "1" + text[..^3] + ",", "1,2,3.00" })
        {
            Assert.False(Money.TryParse(wrong, "usd", out _, format), wrong);
        }
    }

    [Fact]
    public void ParseAndFormat_OfAnotherCulture_UseItsSeparators()
    {
        var german = new NumberFormatInfo { NumberDecimalSeparator = ",", NumberGroupSeparator = "." };

        Assert.Equal(123450, Money.Parse("1.234,50", "eur", german).MinorUnits);
        Assert.Equal("1.234,50 EUR", Money.Create(123450, "eur").ToString(german));
        Assert.False(Money.TryParse("1234.50", "eur", out _, german));
    }

    [Theory]
    [InlineData(125, "usd", 10, 13)]
    [InlineData(124, "usd", 10, 12)]
    [InlineData(1, "usd", 50, 1)]
    [InlineData(1250, "usd", 20, 250)]
    [InlineData(15, "jpy", 10, 2)]
    [InlineData(500, "isk", 10, 100)]
    [InlineData(5120, "kwd", 10, 510)]
    [InlineData(5150, "kwd", 10, 520)]
    public void Percent_OfAnAmount_RoundsHalfUpToWhatCanBeCharged(
        long minorUnits, string currency, int percent, long expected) =>
        Assert.Equal(expected, Money.Create(minorUnits, currency).Percent(percent).MinorUnits);

    [Fact]
    public void Sum_TenTimesTenCents_IsOneDollar()
    {
        Assert.Equal(Money.Create(100, "usd"), Money.Sum("usd", Enumerable.Repeat(Money.Create(10, "usd"), 10)));
        Assert.Equal(Money.Create(0, "usd"), Money.Sum("usd", []));
    }

    [Fact]
    public void Arithmetic_OfTwoCurrenciesOrPastTheLimits_IsRefused()
    {
        Money one = Money.Create(1, "usd");
        Assert.Throws<ArgumentException>(() => one + Money.Create(1, "eur"));
        Assert.Throws<OverflowException>(() => Money.Create(99_999_999, "usd") + one);
        Assert.Throws<OverflowException>(() => one - Money.Create(2, "usd"));
        Assert.Throws<OverflowException>(() => Money.Create(99_999_999, "usd").Times(2));
        Assert.Throws<InvalidOperationException>(() => default(Money).Percent(1));
    }

    [Fact]
    public void Tips_OfAnyTab_KeepTheSeedsProperties() => Prop.ForAll(
        Gen.Choose(0, 9_000_000).ToArbitrary(), Gen.Elements(0, 10, 15, 20).ToArbitrary(), (tab, percent) =>
        {
            Money amount = Money.Create(tab, "usd");
            Money tip = amount.Percent(percent);
            long exact = (long)tab * percent;
            return amount.WithTip(percent) == amount + tip && Math.Abs((tip.MinorUnits * 100) - exact) <= 50;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void ParseAndFormat_OfEveryAmount_AreInverse() => Prop.ForAll(
        Gen.Choose(0, 99_999_999).ToArbitrary(), Gen.Elements(Money.Currencies.ToArray())
            .ToArbitrary(), (units, currency) =>
            !Money.TryCreate(units, currency, out Money money)
                || Money.Parse(money.ToString()) == money).QuickCheckThrowOnFailure();
}
