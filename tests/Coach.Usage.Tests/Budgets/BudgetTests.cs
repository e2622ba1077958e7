using Coach.Abstractions;
using Coach.Testing;
using Coach.Usage.Tests.Chat;
using Microsoft.Extensions.AI;

namespace Coach.Usage.Tests.Budgets;

public sealed class BudgetTests
{
    [Fact]
    public async Task Limit_ThatResets_SaysWhatIsUsedAndWhenItBeginsAnew()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "day", Max = 1_000_000 }));
        IBudget budget = setup.Get<IBudget>();
        BudgetReservation first = await budget.ReserveAsync(Request(900_000));
        await budget.SettleAsync(first, 800_000, 10);

        UsageException refused = await Assert.ThrowsAsync<UsageException>(
            () => budget.ReserveAsync(Request(200_001)).AsTask());

        Assert.Equal(ErrorCodes.BudgetExceeded, refused.Code);
        Assert.Equal(("day", 1_000_000L, 800_000L), (refused.Limit, refused.Allowed, refused.Used));
        DateTimeOffset midnight = setup.Clock.GetUtcNow().UtcDateTime.Date.AddDays(1);
        Assert.Equal(midnight, refused.ResetsAt);
        Assert.Equal(midnight - setup.Clock.GetUtcNow(), refused.RetryAfter);
        Assert.StartsWith(
            "The budget 'day' allows 1 (a day); 0.8 (a day) is used or reserved. It begins anew at ", refused.Message);

        setup.Clock.Advance(refused.RetryAfter!.Value);
        await budget.ReserveAsync(Request(200_001));
    }

    [Fact]
    public async Task Resume_ByAnotherProcess_SettlesOnce_OnTheDayOnWhichItWasReserved()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(new BudgetLimit { Name = "day", Max = 1_000_000 }));
        IBudget budget = setup.Get<IBudget>();
        BudgetRequest request = Request(900_000) with { Id = "job", At = setup.Clock.GetUtcNow() };
        await budget.ReserveAsync(request);
        setup.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.True(await budget.RenewAsync(budget.Resume(request)));
        BudgetStatus held = Assert.Single(await budget.GetStatusAsync(request.Caller));
        Assert.Equal((0, 900_000), (held.Used, held.Reserved));

        Assert.True(await budget.SettleAsync(budget.Resume(request), 400_000, 0));
        Assert.False(await budget.SettleAsync(budget.Resume(request), 400_000, 0));
        BudgetStatus settled = Assert.Single(await budget.GetStatusAsync(request.Caller));
        Assert.Equal((400_000, 0), (settled.Used, settled.Reserved));

        BudgetRequest past = request with { Id = "past", At = request.At!.Value.AddDays(-1) };
        Assert.True(await budget.SettleAsync(budget.Resume(past), 700_000, 0));
        Assert.Equal(400_000, Assert.Single(await budget.GetStatusAsync(request.Caller)).Used);
        Assert.Throws<ArgumentException>(() => budget.Resume(request with { At = null }));
        Assert.Throws<ArgumentException>(() => budget.Resume(request with { Id = null }));
    }

    [Theory]
    [InlineData(BudgetPeriod.Request)]
    [InlineData(BudgetPeriod.Total)]
    public async Task Limit_ThatDoesNotReset_IsNotWorthWaitingFor(BudgetPeriod period)
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "x", Period = period, Max = 500_000 }));

        UsageException refused = await Assert.ThrowsAsync<UsageException>(
            () => setup.Get<IBudget>().ReserveAsync(Request(500_001)).AsTask());

        Assert.Null(refused.RetryAfter);
        Assert.False(refused.IsTransient);
        await setup.Get<IBudget>().ReserveAsync(Request(500_000));
    }

    [Fact]
    public async Task Scopes_CountTogetherWhomTheyName()
    {
        using var setup = new ChatSetup(options =>
        {
            options.Limits.Add(new BudgetLimit { Name = "user", Unit = BudgetUnit.Calls, Max = 1 });
            options.Limits.Add(new BudgetLimit
            {
                Name = "tenant",
                Scope = BudgetScope.Tenant,
                Unit = BudgetUnit.Calls,
                Max = 2,
            });
        });
        IBudget budget = setup.Get<IBudget>();
        await budget.ReserveAsync(Of("s1", "anna", "acme"));

        Assert.Equal("user", (await RefusedAsync(budget, Of("s2", "anna", "acme"))).Limit);
        await budget.ReserveAsync(Of("s3", "bob", "acme"));
        Assert.Equal("tenant", (await RefusedAsync(budget, Of("s4", "carl", "acme"))).Limit);
        await budget.ReserveAsync(Of("s5", "anna", "other"));
        await budget.ReserveAsync(Of("s6", null, null));
        Assert.Equal("user", (await RefusedAsync(budget, Of("s6", null, null))).Limit);
    }

    [Fact]
    public async Task Process_ThatDied_LeavesNothingBehindItsLease()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "all", Period = BudgetPeriod.Total, Max = 100 }));
        IBudget budget = setup.Get<IBudget>();
        await budget.ReserveAsync(Request(100));

        setup.Clock.Advance(TimeSpan.FromMinutes(2));

        await budget.ReserveAsync(Request(100));
        Assert.Single(await setup.Store.ListExpiredAsync());
    }

    [Fact]
    public async Task Call_OverItsBudget_IsNeverMade()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "call", Period = BudgetPeriod.Request, Max = 1_000 }));
        var model = new ScriptedChatClient();
        IChatClient client = setup.Build(model);

        await Assert.ThrowsAsync<UsageException>(() => client.GetResponseAsync("?"));
        await Assert.ThrowsAsync<UsageException>(
            () => client.GetStreamingResponseAsync("?").ToChatResponseAsync());
        Assert.Empty(model.Calls);

        await client.GetResponseAsync("?", new ChatOptions { MaxOutputTokens = 400 });
        Assert.Single(model.Calls);
    }

    [Fact]
    public async Task Stream_IsSettledWithWhatItUsed_AndStoppedOnesToo()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "day", Max = 1_000_000 }));
        IChatClient client = setup.Build(new ScriptedChatClient().Answer("one two three"));

        await client.GetStreamingResponseAsync("?").ToChatResponseAsync();
        BudgetStatus status = Assert.Single(await setup.Get<IBudget>().GetStatusAsync(ChatSetup.Caller));
        Assert.Equal((7 + 6, 0), (status.Used, status.Reserved));

        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("?"))
        {
            status = Assert.Single(await setup.Get<IBudget>().GetStatusAsync(ChatSetup.Caller));
            Assert.True(status.Reserved > 0);
            break;
        }

        status = Assert.Single(await setup.Get<IBudget>().GetStatusAsync(ChatSetup.Caller));
        Assert.Equal(0, status.Reserved);
        Assert.True(status.Used > 13);
        long kept = (await setup.EntriesAsync()).Sum(entry => -entry.Amount.Micros);
        Assert.Equal(kept, status.Used);
    }

    [Fact]
    public async Task Model_WithoutAPrice_IsRefusedWhereTheHostSaysSo()
    {
        using var setup = new ChatSetup(options => options.UnknownPrice = UnknownPricePolicy.Refuse);
        var model = new ScriptedChatClient(modelId: "unheard-of");

        UsageException refused = await Assert.ThrowsAsync<UsageException>(
            () => setup.Build(model).GetResponseAsync("?"));

        Assert.Equal(UsageError.PriceUnknown, refused.Error);
        Assert.Empty(model.Calls);
    }

    [Fact]
    public async Task Callers_AtOnce_NeverPassALimitTogether()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "app", Scope = BudgetScope.App, Max = 1_000 }));
        IBudget budget = setup.Get<IBudget>();
        int granted = 0;

        await Task.WhenAll(Enumerable.Range(0, 48).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                try
                {
                    BudgetReservation reservation = await budget.ReserveAsync(Request(10));
                    await budget.SettleAsync(reservation, 7, 1);
                    Interlocked.Increment(ref granted);
                }
                catch (UsageException)
                {
                }
            }
        })));

        BudgetStatus status = Assert.Single(await budget.GetStatusAsync(ChatSetup.Caller));
        Assert.Equal(granted * 7, status.Used);
        Assert.InRange(status.Used, 991, 1_000);
        Assert.Equal(0, status.Reserved);
    }

    [Theory]
    [InlineData(StoreFailurePolicy.FailClosed, false)]
    [InlineData(StoreFailurePolicy.FailOpen, true)]
    [InlineData(StoreFailurePolicy.FallBackToProcess, true)]
    public async Task Store_ThatIsAway_DecidesAsTheHostChose(StoreFailurePolicy policy, bool isCalled)
    {
        using var setup = new ChatSetup(
            options =>
            {
                options.OnStoreFailure = policy;
                options.Limits.Add(new BudgetLimit { Name = "day", Max = 100 });
            },
            usage => usage.UseBudgetStore(_ => new AwayStore()));
        IBudget budget = setup.Get<IBudget>();

        if (!isCalled)
        {
            await Assert.ThrowsAsync<StoreException>(() => budget.ReserveAsync(Request(60)).AsTask());
            return;
        }

        await budget.ReserveAsync(Request(60));
        Task<BudgetReservation> second = budget.ReserveAsync(Request(60)).AsTask();
        if (policy == StoreFailurePolicy.FailOpen)
        {
            await second;
        }
        else
        {
            await Assert.ThrowsAsync<UsageException>(() => second);
        }
    }

    [Fact]
    public async Task Candidates_TheDearestIsReserved_AndLimitsOfTheHostsMoneyCountThatAlone()
    {
        using var setup = new ChatSetup(options =>
        {
            options.ReservedOutputTokens = 100;
            options.Limits.Add(new BudgetLimit { Name = "host", Max = 150, HostPaidOnly = true });
        });
        UsageCallOptions call = new(ChatSetup.Caller)
        {
            Candidates = [("nobody", "none"), ("scripted", "scripted-1")],
            Reference = "run-1",
        };
        var model = new ScriptedChatClient();

        await setup.Build(model, call).GetResponseAsync("?");
        await Assert.ThrowsAsync<UsageException>(
            () => setup.Build(model, call with { IsHostPaid = true }).GetResponseAsync("?"));

        Assert.Single(model.Calls);
        Assert.Equal("run-1", Assert.Single(await setup.EntriesAsync()).Reference);
    }

    private static BudgetRequest Request(long micros) => new() { Caller = ChatSetup.Caller, CostMicros = micros };

    private static BudgetRequest Of(string session, string? user, string? tenant) =>
        new() { Caller = new CallerContext(SessionId.From(session), user, tenant) };

    private sealed class AwayStore : IBudgetStore
    {
        public ValueTask<BudgetDecision> ReserveAsync(
            string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease,
            CancellationToken cancellationToken = default) => throw Away();

        public ValueTask<bool> RenewAsync(
            string id, TimeSpan lease, CancellationToken cancellationToken = default) => throw Away();

        public ValueTask<bool> SettleAsync(
            string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default) =>
            throw Away();

        public ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default) => throw Away();

        public ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
            IReadOnlyList<string> counters, CancellationToken cancellationToken = default) => throw Away();

        public ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
            int limit = 1_000, CancellationToken cancellationToken = default) => throw Away();

        private static StoreException Away() => new("away", "answer");
    }

    private static Task<UsageException> RefusedAsync(IBudget budget, BudgetRequest request) =>
        Assert.ThrowsAsync<UsageException>(() => budget.ReserveAsync(request).AsTask());
}
