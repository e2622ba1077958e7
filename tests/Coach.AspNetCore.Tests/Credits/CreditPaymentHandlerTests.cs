using Coach.AspNetCore.Credits;
using Coach.Payments;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Credits;

public sealed class CreditPaymentHandlerTests
{
    private const string Account = "credits:u:-:anna";

    [Fact]
    public async Task Refunds_InParts_TakeBackExactlyTheWhole_AndAFailedOneGivesItAgain()
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("paid", PaymentFactKind.Paid, 1_000));
        Assert.Equal(1_000_001, await BalanceAsync(host));

        await TellAsync(host, Fact("r1", PaymentFactKind.PartlyRefunded, 333, total: 333));
        Assert.Equal(1_000_001 - 333_000, await BalanceAsync(host));
        await TellAsync(host, Fact("r2", PaymentFactKind.PartlyRefunded, 333, total: 666));
        await TellAsync(host, Fact("r3", PaymentFactKind.Refunded, 334, total: 1_000));
        Assert.Equal(0, await BalanceAsync(host));

        await TellAsync(host, Fact("f", PaymentFactKind.RefundFailed, 334, total: 666));
        Assert.Equal(1_000_001 - 666_000, await BalanceAsync(host));
    }

    [Fact]
    public async Task Dispute_TakesAllBack_AndOneThatIsWonGivesItAgain()
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("paid", PaymentFactKind.Paid, 1_000));
        await TellAsync(host, Fact("d", PaymentFactKind.Disputed, 1_000));
        Assert.Equal(0, await BalanceAsync(host));
        await TellAsync(host, Fact("w", PaymentFactKind.DisputeWon, 1_000));
        Assert.Equal(1_000_001, await BalanceAsync(host));
        await TellAsync(host, Fact("l", PaymentFactKind.DisputeLost, 1_000));
        Assert.Equal(1_000_001, await BalanceAsync(host));
    }

    [Fact]
    public async Task RefundAndDispute_OfTheSameMoney_TakeBackOnce_AndAWonDisputeLeavesTheRefund()
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("paid", PaymentFactKind.Paid, 1_000));
        await TellAsync(host, Gone("r", PaymentFactKind.PartlyRefunded, 400, 400));
        await TellAsync(host, Gone("d", PaymentFactKind.Disputed, 600, 1_000));
        Assert.Equal(0, await BalanceAsync(host));
        await TellAsync(host, Gone("w", PaymentFactKind.DisputeWon, -600, 400));

        Assert.Equal(1_000_001 - 400_000, await BalanceAsync(host));
    }

    [Fact]
    public async Task Inquiry_TakesNothing_UntilItBecomesAChargeback()
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("paid", PaymentFactKind.Paid, 1_000));
        await TellAsync(host, Gone("i", PaymentFactKind.Disputed, 0, 0) with { IsInquiry = true });
        await TellAsync(host, Gone("c", PaymentFactKind.DisputeWon, 0, 0) with { IsInquiry = true });
        Assert.Equal(1_000_001, await BalanceAsync(host));
        await TellAsync(host, Gone("d", PaymentFactKind.Disputed, 1_000, 1_000));

        Assert.Equal(0, await BalanceAsync(host));
    }

    [Fact]
    public async Task RefundOfAnotherAmountThanAskedFor_TakesNothingThatWasNeverGiven()
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("other", PaymentFactKind.Paid, 1_000));
        PaymentFact refund = Gone("r", PaymentFactKind.Refunded, 900, 900);
        await TellAsync(host, refund with { Payment = refund.Payment! with { HasAmountMismatch = true } });

        Assert.Equal(1_000_001, await BalanceAsync(host));
    }

    [Theory]
    [InlineData(PaymentFactKind.AmountMismatch)]
    [InlineData(PaymentFactKind.Failed)]
    [InlineData(PaymentFactKind.Expired)]
    public async Task Fact_ThatIsNoPayment_CreditsNothing(PaymentFactKind kind)
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("x", kind, 1_000));
        Assert.Equal(0, await BalanceAsync(host));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("order-7")]
    [InlineData("credits:")]
    [InlineData("credits:small:x:u:-:anna")]
    [InlineData("credits:small:-5:u:-:anna")]
    [InlineData("credits:small:0:u:-:anna")]
    [InlineData("credits:small:5:")]
    public async Task Payment_OfSomethingElse_CreditsNothing(string? reference)
    {
        await using TestHost host = Host();
        await TellAsync(host, Fact("x", PaymentFactKind.Paid, 1_000) with { Reference = reference });
        Assert.Equal(0, await BalanceAsync(host));
    }

    [Fact]
    public async Task Facts_ToldAgain_CountOnce()
    {
        await using TestHost host = Host();
        for (int i = 0; i < 3; i++)
        {
            await TellAsync(host, Fact("paid", PaymentFactKind.Paid, 1_000));
            await TellAsync(host, Fact("r", PaymentFactKind.PartlyRefunded, 500, total: 500));
        }

        Assert.Equal(1_000_001 - 500_000, await BalanceAsync(host));
        await TellAsync(host, Fact("again", PaymentFactKind.Overpaid, 1_000));
        Assert.Equal(2_000_002 - 500_000, await BalanceAsync(host));
    }

    private static TestHost Host() => new(services => services.AddCoachUsage(), new VirtualClock());

    private static Task TellAsync(TestHost host, PaymentFact fact) => new CreditPaymentHandler(
        host.Get<ICredits>(), host.Get<IOptions<CoachCreditOptions>>()).HandleAsync(fact);

    private static async Task<long> BalanceAsync(TestHost host) =>
        (await host.Get<ICredits>().GetBalanceAsync(Account)).Balance.Micros;

    private static PaymentFact Fact(string id, PaymentFactKind kind, long minorUnits, long total = 0) => new()
    {
        Id = "fact_" + id,
        Kind = kind,
        OccurredAt = DateTimeOffset.UnixEpoch,
        Tag = "tag",
        OperationKey = "key",
        Reference = "credits:small:1000001:u:-:anna",
        Metadata = new Dictionary<string, string>(),
        LinkId = "link",
        Payment = new LinkPayment { SessionId = "cs_1", MinorUnits = 1_000, Currency = "usd" },
        MinorUnits = minorUnits,
        TotalRefundedMinorUnits = total,
        Currency = "usd",
    };

    private static PaymentFact Gone(string id, PaymentFactKind kind, long change, long total) =>
        Fact(id, kind, Math.Abs(change)) with { ReversedMinorUnits = change, TotalReversedMinorUnits = total };
}
