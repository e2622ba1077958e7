using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Payments.Tests.Hosting;

/// <summary>Where the records lie when the host says nothing, and what its start says of a place it cannot use.</summary>
public sealed class StorePathsTests : IDisposable
{
    private const string Live = "sk_live_storepaths";
    private const string Test = "sk_test_storepaths";

    private readonly TempFolder _folder = new();

    private string Index => _folder.File("data/knowledge.coach");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("real", Live, true)]
    [InlineData("auto", Live, true)]
    [InlineData("auto", "rk_live_x", true)]
    [InlineData("auto", "a key of no known kind", true)]
    [InlineData("mock", Live, false)]
    [InlineData("auto", Test, false)]
    [InlineData("auto", "rk_test_x", false)]
    [InlineData("real", Test, false)]
    [InlineData("auto", null, false)]
    public async Task Start_WithoutAPath_KeepsRecordsInAFileWhereRealMoneyMoves(string mode, string? key, bool isFile)
    {
        using IHost host = NewHost(key, mode);
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(isFile, host.Services.GetRequiredService<IIdempotencyStore>().IsDurable);
        Assert.Equal(isFile, File.Exists(_folder.File("data/payments.journal")));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Start_OfNamedPayments_KeepsEachInAFileOfItsOwn()
    {
        using IHost host = NewHost(Live, more: services => services.AddCoachPayments("shop"));
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.True(File.Exists(_folder.File("data/payments.journal")));
        Assert.True(File.Exists(_folder.File("data/payments-shop.journal")));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Start_WithAPath_WinsOverTheDefault()
    {
        string path = _folder.File("elsewhere/p.journal");
        using IHost host = NewHost(Live, path: path);
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.True(File.Exists(path));
        Assert.False(File.Exists(_folder.File("data/payments.journal")));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Start_PlaceThatCannotBeWritten_FailsAndNamesTheSetting()
    {
        // The folder's name is a file's: nobody can write below it, root included.
        Directory.CreateDirectory(_folder.Path);
        File.WriteAllText(_folder.File("data"), "");
        using IHost host = NewHost(Live);

        PaymentStoreException refused = await Assert.ThrowsAsync<PaymentStoreException>(
            () => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(PaymentStoreError.NotWritable, refused.Error);
        Assert.Contains("Coach:Payments:StorePath", refused.Message, StringComparison.Ordinal);
        Assert.False(refused.IsTransient);
    }

    [Fact]
    public async Task Start_FileOfAnotherProcess_SaysSoAfterTheWait()
    {
        using IHost first = NewHost(Live);
        await first.StartAsync(TestContext.Current.CancellationToken);
        using IHost second = NewHost(Live, wait: "00:00:00.2");

        PaymentStoreException refused = await Assert.ThrowsAsync<PaymentStoreException>(
            () => second.StartAsync(TestContext.Current.CancellationToken));
        await first.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(PaymentStoreError.InUse, refused.Error);
        Assert.Contains("another process has them open", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsTransient);
    }

    [Fact]
    public async Task Start_WhileTheFormerProcessStops_WaitsForIt()
    {
        IHost first = NewHost(Live);
        await first.StartAsync(TestContext.Current.CancellationToken);
        using IHost second = NewHost(Live, wait: "00:05:00");
        Task start = Task.Run(() => second.StartAsync(), TestContext.Current.CancellationToken);
        await first.StopAsync(TestContext.Current.CancellationToken);
        first.Dispose();

        await start;
        Assert.True(second.Services.GetRequiredService<IIdempotencyStore>().IsDurable);
        await second.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Start_FileThatIsNoJournal_FailsWithItsReasonAndLeavesIt()
    {
        string path = _folder.File("orders.csv");
        Directory.CreateDirectory(_folder.Path);
        File.WriteAllText(path, "id,amount\n1,1250\n");
        using IHost host = NewHost(Live, path: path);

        PaymentStoreException refused = await Assert.ThrowsAsync<PaymentStoreException>(
            () => host.StartAsync(TestContext.Current.CancellationToken));

        Assert.Equal(PaymentStoreError.Unreadable, refused.Error);
        Assert.Contains("is no journal of payments", refused.Message, StringComparison.Ordinal);
        Assert.Equal("id,amount\n1,1250\n", File.ReadAllText(path));
    }

    [Theory]
    [InlineData(Live, "auto", true)]
    [InlineData(Test, "auto", false)]
    [InlineData(Live, "mock", false)]
    public async Task Start_WithRecordsInMemory_WarnsWhereRealMoneyMoves(string key, string mode, bool isWarned)
    {
        var logs = new FakeLogCollector();
        using IHost host = NewHost(key, mode, memory: true, logs: logs);
        await host.StartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(isWarned, logs.GetSnapshot().Any(line => line.Id.Id == 4024));
        Assert.False(File.Exists(_folder.File("data/payments.journal")));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    private IHost NewHost(
        string? key, string mode = "auto", string? path = null, string? wait = null, bool memory = false,
        FakeLogCollector? logs = null, Action<IServiceCollection>? more = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = mode,
            ["Coach:Rag:IndexFile"] = Index,
            ["STRIPE_API_KEY"] = key,
            ["Coach:Payments:StorePath"] = path,
            ["Coach:Payments:StoreLockTimeout"] = wait,
        });
        if (logs is not null)
        {
            builder.Services.AddSingleton<ILoggerProvider>(new FakeLoggerProvider(logs));
        }

        CoachPaymentsBuilder payments = builder.Services.AddCoachPayments();
        if (memory)
        {
            payments.UseMemoryStore();
        }

        more?.Invoke(builder.Services);
        return builder.Build();
    }
}
