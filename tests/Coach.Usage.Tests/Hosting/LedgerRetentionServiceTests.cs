using Coach.Abstractions;
using Coach.Testing;
using Coach.Usage.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Tests.Hosting;

public sealed class LedgerRetentionServiceTests
{
    private static readonly byte[] Key = "0123456789abcdef"u8.ToArray();

    [Fact]
    public async Task RunOnceAsync_OldEntries_GoBehindACheckpoint_AndTheirKeysAndSumsStay()
    {
        var clock = new VirtualClock();
        var ledger = new MemoryUsageLedger(clock, null, Key);
        await ledger.AppendAsync(Credit("old"));
        clock.Advance(TimeSpan.FromDays(20));
        await ledger.AppendAsync(Credit("young"));
        using LedgerRetentionService service = Service(ledger, clock, TimeSpan.FromDays(30));

        Assert.Equal(0, await service.RunOnceAsync(CancellationToken.None));
        clock.Advance(TimeSpan.FromDays(10) + TimeSpan.FromSeconds(1));
        Assert.Equal(2, await service.RunOnceAsync(CancellationToken.None));
        Assert.Equal(0, await service.RunOnceAsync(CancellationToken.None));

        Assert.Equal(200, (await ledger.GetBalanceAsync("credits:a", "usd")).Micros);
        Assert.False((await ledger.AppendAsync(Credit("old"))).IsNew);
        Assert.True((await ledger.VerifyAsync()).IsWhole);
    }

    [Fact]
    public async Task RunOnceAsync_NoRetention_AsksNoLedger()
    {
        using LedgerRetentionService service = Service(null, new VirtualClock(), null);

        Assert.Equal(0, await service.RunOnceAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("400.00:00:00", "0123456789abcdef", null)]
    [InlineData("400.00:00:00", null, "COACH_LEDGER_KEY")]
    [InlineData("00:59:00", "0123456789abcdef", "1 to 3650 days")]
    [InlineData("4000.00:00:00", "0123456789abcdef", "1 to 3650 days")]
    public void LedgerRetention_ItsKeyAndRange_AreCheckedAtTheStart(string kept, string? key, string? problem)
    {
        using var host = new TestHost(
            static services => services.AddCoachUsage(),
            new VirtualClock(),
            new Dictionary<string, string?>
            {
                ["Coach:Usage:LedgerRetention"] = kept,
                [LedgerSigningKey.SecretName] = key,
            });

        if (problem is null)
        {
            Assert.Equal(TimeSpan.FromDays(400), host.Get<IOptions<CoachUsageOptions>>().Value.LedgerRetention);
            Assert.Contains(host.Services.GetServices<IHostedService>(), service => service is LedgerRetentionService);
            return;
        }

        var refused = Assert.Throws<OptionsValidationException>(
            () => host.Get<IOptions<CoachUsageOptions>>().Value.LedgerRetention);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    private static LedgerRetentionService Service(IUsageLedger? ledger, VirtualClock clock, TimeSpan? kept) => new(
        () => ledger!, Options.Create(new CoachUsageOptions { LedgerRetention = kept }), clock, NullLogger.Instance);

    private static LedgerTransaction Credit(string key) => new()
    {
        Key = key,
        Kind = LedgerEntryKind.Credit,
        Account = "credits:a",
        Contra = LedgerAccount.AppCredits,
        Amount = new MicroAmount(100, "usd"),
    };
}
