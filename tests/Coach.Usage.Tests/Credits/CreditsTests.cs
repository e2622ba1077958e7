using Coach.Testing;
using Coach.Usage.Tests.Chat;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Usage.Tests.Credits;

public sealed class CreditsTests
{
    private const string Account = "credits:u:-:anna";

    [Fact]
    public async Task Pack_IsCreditedOnce_SpentOnce_AndTakenBackInFull()
    {
        using ChatSetup setup = Setup();
        ICredits credits = setup.Get<ICredits>();

        Assert.True((await credits.AddAsync(Account, "fact_1", Usd(100))).IsNew);
        Assert.False((await credits.AddAsync(Account, "fact_1", Usd(100))).IsNew);
        CreditReservation reservation = await credits.ReserveAsync(Account, Usd(60));
        Assert.Equal((100, 60, 40), await BalanceAsync(credits));
        Assert.True(await credits.SettleAsync(reservation, Usd(50)));
        Assert.False(await credits.SettleAsync(reservation, Usd(50)));
        Assert.Equal((50, 0, 50), await BalanceAsync(credits));

        await credits.TakeBackAsync(Account, "fact_2", Usd(100));
        Assert.Equal((-50, 0, -50), await BalanceAsync(credits));
        UsageException refused = await Assert.ThrowsAsync<UsageException>(
            () => credits.ReserveAsync(Account, Usd(1)).AsTask());
        Assert.Equal(UsageError.BalanceTooLow, refused.Error);
        Assert.Null(refused.RetryAfter);
        Assert.True((await setup.Ledger.VerifyAsync()).IsWhole);
    }

    [Fact]
    public async Task Callers_AtOnce_NeverSpendWhatIsNotThere()
    {
        using ChatSetup setup = Setup();
        ICredits credits = setup.Get<ICredits>();
        await credits.AddAsync(Account, "fact_1", Usd(1_000));
        int spent = 0;

        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                try
                {
                    await credits.SettleAsync(await credits.ReserveAsync(Account, Usd(7)), Usd(7));
                    Interlocked.Add(ref spent, 7);
                }
                catch (UsageException)
                {
                }
            }
        })));

        (long balance, long reserved, _) = await BalanceAsync(credits);
        Assert.Equal((1_000 - spent, 0), (balance, reserved));
        Assert.InRange(balance, 0, 1_000);
    }

    [Fact]
    public async Task Turn_HasItsPrice_WhenThereIsAnAnswer()
    {
        using ChatSetup setup = Setup(options => options.PricePerTurnMicros = 10);
        ICredits credits = setup.Get<ICredits>();
        await credits.AddAsync(Account, "fact_1", Usd(25));
        var model = new ScriptedChatClient().Answer("yes").Fail(new IOException("no")).Answer("a b c d e");
        IChatClient client = Build(setup, model);

        await client.GetResponseAsync("?");
        Assert.Equal((15, 0, 15), await BalanceAsync(credits));
        await Assert.ThrowsAsync<IOException>(() => client.GetResponseAsync("?"));
        Assert.Equal((15, 0, 15), await BalanceAsync(credits));
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("?"))
        {
            break;
        }

        Assert.Equal((5, 0, 5), await BalanceAsync(credits));
        await Assert.ThrowsAsync<UsageException>(() => client.GetResponseAsync("?"));
        Assert.Equal(3, model.Calls.Count);
    }

    [Fact]
    public async Task Call_IsChargedWhatItCostAndTheMarkup()
    {
        using ChatSetup setup = Setup(options => options.MarkupPercent = 50);
        ICredits credits = setup.Get<ICredits>();
        await credits.AddAsync(Account, "fact_1", Usd(100_000));
        IChatClient client = Build(setup, new ScriptedChatClient().Answer("one two three"));

        await client.GetStreamingResponseAsync("?").ToChatResponseAsync();
        await client.GetResponseAsync("?");

        // Each 7 in and 3 out at 2, and half of 13 rounded up.
        Assert.Equal((100_000 - 40, 0, 100_000 - 40), await BalanceAsync(credits));
    }

    [Fact]
    public async Task Allowance_IsGivenOnce_AndALowBalanceIsToldOnce()
    {
        var told = new LowBalances();
        using var setup = new ChatSetup(null, usage =>
        {
            usage.Services.Configure<CoachCreditOptions>(options =>
                (options.FreeAllowanceMicros, options.LowBalanceMicros) = (100, 50));
            usage.Services.AddSingleton<ILowBalanceHandler>(told);
        });
        ICredits credits = setup.Get<ICredits>();
        Assert.Equal((100, 0, 100), await BalanceAsync(credits));
        Assert.Equal((100, 0, 100), await BalanceAsync(credits));

        for (int i = 0; i < 4; i++)
        {
            await credits.SettleAsync(await credits.ReserveAsync(Account, Usd(20)), Usd(20));
        }

        Assert.Equal([(Account, Usd(40))], told.Told);
    }

    [Fact]
    public async Task Money_LeavesItsTrailInTheAuditLog()
    {
        using ChatSetup setup = Setup();
        ICredits credits = setup.Get<ICredits>();
        await credits.AddAsync(Account, "fact_1", Usd(10));
        await credits.SettleAsync(await credits.ReserveAsync(Account, Usd(10)), Usd(10));
        await Assert.ThrowsAsync<UsageException>(() => credits.ReserveAsync(Account, Usd(1)).AsTask());
        await credits.TakeBackAsync(Account, "fact_2", Usd(10));

        IReadOnlyList<AuditEntry> entries = await setup.Get<IAuditLog>().ReadAsync();
        Assert.Equal(
            [
                AuditEventKind.Credited, AuditEventKind.SetAside, AuditEventKind.Settled, AuditEventKind.Rejected,
                AuditEventKind.Refunded,
            ],
            entries.Select(entry => entry.Kind));
        Assert.DoesNotContain(entries, entry => entry.ToString().Contains("anna", StringComparison.Ordinal));
        Assert.Null(await setup.Get<IAuditLog>().VerifyAsync());
    }

    private static ChatSetup Setup(Action<CoachCreditOptions>? configure = null) =>
        new(null, usage => usage.Services.Configure(configure ?? (_ => { })));

    private static IChatClient Build(ChatSetup setup, IChatClient model)
    {
        var call = new UsageCallOptions(ChatSetup.Caller);
        return model.AsBuilder().UseCredits(Account, call).UseBudget(call).UseUsage(call).Build(setup.Services);
    }

    private static MicroAmount Usd(long micros) => new(micros, "usd");

    private static async Task<(long Balance, long Reserved, long Available)> BalanceAsync(ICredits credits)
    {
        CreditBalance balance = await credits.GetBalanceAsync(Account);
        return (balance.Balance.Micros, balance.Reserved.Micros, balance.Available.Micros);
    }

    private sealed class LowBalances : ILowBalanceHandler
    {
        public List<(string, MicroAmount)> Told { get; } = [];

        public ValueTask HandleAsync(
            string account, MicroAmount balance, CancellationToken cancellationToken = default)
        {
            Told.Add((account, balance));
            return ValueTask.CompletedTask;
        }
    }
}
