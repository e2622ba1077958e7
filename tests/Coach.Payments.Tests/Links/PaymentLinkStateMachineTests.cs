using Coach.Payments.Gateways;
using Coach.Payments.Links;
using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class PaymentLinkStateMachineTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly GatewayLink Link = new() { Id = "plink_1", Url = new Uri("https://buy.stripe.com/1") };

    [Fact]
    public void Send_ThenDisprove_IsStartedAgainUnderTheNextKeyOnlyWhereTheOldOneIsUsedUp()
    {
        PaymentRecord sent = Sent();
        Assert.Equal((PaymentRecordState.LinkSent, "price_1", Start), (sent.State, sent.PriceId, sent.LinkSentAt));

        PaymentRecord same = PaymentLinkStateMachine.Disprove(sent, isKeyUsedUp: false);
        PaymentRecord next = PaymentLinkStateMachine.Disprove(sent, isKeyUsedUp: true);

        Assert.Equal((PaymentRecordState.Started, 1, null), (same.State, same.LinkAttempt, same.LinkSentAt));
        Assert.Equal((PaymentRecordState.Started, 2, null), (next.State, next.LinkAttempt, next.LinkSentAt));
    }

    [Fact]
    public void Send_Again_KeepsTheTimeOfTheFirstRequest() => Assert.Equal(
        Start, PaymentLinkStateMachine.Send(Sent(), "price_1", "stripe", Start.AddHours(1)).LinkSentAt);

    [Fact]
    public void MarkUnknown_ThenComplete_ForgetsThatItWasUnknown()
    {
        PaymentRecord unknown = PaymentLinkStateMachine.MarkUnknown(Sent(), "timed_out", null);
        Assert.Equal(
            (PaymentRecordState.LinkSent, true, "timed_out"),
            (unknown.State, unknown.NeedsReconciliation, unknown.ReconciliationReason));

        PaymentRecord done = PaymentLinkStateMachine.Complete(unknown, Link, "stripe", isReusable: false, []);

        Assert.Equal(
            (PaymentRecordState.Completed, "plink_1", false, null),
            (done.State, done.LinkId, done.NeedsReconciliation, done.ReconciliationReason));
    }

    [Fact]
    public void Release_OfEachState_MarksOnlyWhatMayExist()
    {
        PaymentRecord started = Claimed();
        PaymentRecord sent = Sent();

        Assert.False(PaymentLinkStateMachine.Release(started)!.NeedsReconciliation);
        Assert.Equal("abandoned", PaymentLinkStateMachine.Release(sent)!.ReconciliationReason);
        Assert.Null(PaymentLinkStateMachine.Release(PaymentLinkStateMachine.Complete(sent, Link, "stripe", false, [])));
        Assert.Null(PaymentLinkStateMachine.Release(started with { LeaseExpiresAt = null }));
    }

    [Fact]
    public void Receive_BeforeTheLinkIsRecorded_IsSentWithItsPayment()
    {
        PaymentRecord? received = PaymentLinkStateMachine.Receive(Claimed(), "plink_1", Session(GatewaySessionState.Paid));

        Assert.Equal(
            (PaymentRecordState.LinkSent, "plink_1", PaymentStatus.Succeeded),
            (received!.State, received.LinkId, received.Status));
        Assert.Null(PaymentLinkStateMachine.Receive(received, "plink_1", Session(GatewaySessionState.Paid)));
    }

    [Fact]
    public void Observe_EverySessionAfterEveryOther_NeverLowersTheStatus()
    {
        GatewaySessionState[] states = Enum.GetValues<GatewaySessionState>();
        PaymentStatus[] order =
            [PaymentStatus.Pending, PaymentStatus.Processing, PaymentStatus.Failed, PaymentStatus.Succeeded];
        foreach (GatewaySessionState first in states)
        {
            foreach (GatewaySessionState second in states)
            {
                PaymentRecord before = PaymentLinkStateMachine.Observe(Sent(), [Session(first)]) ?? Sent();
                PaymentRecord after = PaymentLinkStateMachine.Observe(before, [Session(second)]) ?? before;
                Assert.True(Array.IndexOf(order, after.Status) >= Array.IndexOf(order, before.Status), $"{first}, {second}");
            }
        }
    }

    [Theory]
    [InlineData(1249, "usd")]
    [InlineData(1250, "eur")]
    [InlineData(null, null)]
    public void Observe_AnotherAmountOrCurrency_FlagsAndNeverCounts(int? amount, string? currency)
    {
        var session = new GatewaySession("cs_1", GatewaySessionState.Paid, amount, currency);

        PaymentRecord flagged = PaymentLinkStateMachine.Observe(Sent(), [session])!;

        Assert.Equal((PaymentStatus.Pending, true), (flagged.Status, flagged.HasAmountMismatch));
    }

    [Theory]
    [InlineData(GatewaySessionState.Open, PaymentStatus.Expired)]
    [InlineData(GatewaySessionState.CompleteUnpaid, PaymentStatus.Processing)]
    [InlineData(GatewaySessionState.Failed, PaymentStatus.Failed)]
    [InlineData(GatewaySessionState.Paid, PaymentStatus.Succeeded)]
    public void Close_AfterASession_ExpiresOnlyWhatNobodyPays(GatewaySessionState state, PaymentStatus expected) =>
        Assert.Equal(expected, PaymentLinkStateMachine.Close(Sent(), [Session(state)])?.Status);

    private static PaymentRecord Claimed() => IdempotencyStoreContract.NewRecord() with
    {
        Version = 1,
        LeaseToken = 1,
        LeaseExpiresAt = Start.AddMinutes(1),
    };

    private static PaymentRecord Sent() => PaymentLinkStateMachine.Send(Claimed(), "price_1", "stripe", Start);

    private static GatewaySession Session(GatewaySessionState state) => new("cs_1", state, 1250, "usd");
}
