using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Usage.Tests.Chat;

/// <summary>A container with prices of round numbers: a million input tokens 1, output 2, reasoning 4.</summary>
internal sealed class ChatSetup : IDisposable
{
    public static readonly CallerContext Caller = new(SessionId.From("s1"), "anna");

    private readonly TestHost _host;

    public ChatSetup(Action<CoachUsageOptions>? configure = null, Action<CoachUsageBuilder>? build = null)
    {
        _host = new TestHost(
            services =>
            {
                CoachUsageBuilder usage = services.AddCoachUsage(configure).UsePrices(_ => new FixedPriceSource(Prices));
                build?.Invoke(usage);
            },
            Clock);
    }

    public static PriceTable Prices { get; } = new(
        [
            Price("scripted", "scripted-1"), Price("other", "other-1"),
        ],
        "usd");

    public VirtualClock Clock { get; } = new();

    public IServiceProvider Services => _host.Services;

    public IUsageLedger Ledger => Get<IUsageLedger>();

    public IBudgetStore Store => Get<IBudgetStore>();

    public T Get<T>()
        where T : notnull => _host.Get<T>();

    public IChatClient Build(IChatClient inner, UsageCallOptions? call = null) => inner.AsBuilder()
        .UseBudget(call ?? new UsageCallOptions(Caller))
        .UseUsage(call ?? new UsageCallOptions(Caller))
        .Build(_host.Services);

    public async Task<List<LedgerEntry>> EntriesAsync()
    {
        var entries = new List<LedgerEntry>();
        await foreach (LedgerEntry entry in Ledger.ReadAsync(
            new LedgerQuery { Account = LedgerAccount.Usage(Caller) }))
        {
            entries.Add(entry);
        }

        return entries;
    }

    public void Dispose() => _host.Dispose();

    private static ModelPrice Price(string provider, string model) => new()
    {
        Provider = provider,
        Model = model,
        Currency = "usd",
        Input = 1_000_000,
        CachedInput = 100_000,
        Output = 2_000_000,
        Reasoning = 4_000_000,
    };
}
