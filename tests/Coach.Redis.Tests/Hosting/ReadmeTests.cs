using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Coach.Redis.Tests;

public sealed partial class ReadmeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task TheUserOfTheReadme_MayDoAllThatIsNeeded_AndNothingElse()
    {
        Assert.SkipUnless(RedisProcess.IsInstalled, "redis-server is not installed here.");
        using var server = new RedisProcess(_folder.Path);
        using IConnectionMultiplexer raw =
            await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{server.Port},allowAdmin=true");
        string[] words = AclPattern().Match(await ReadmeAsync()).Groups[1].Value
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        await raw.GetDatabase().ExecuteAsync("ACL", [.. words.Prepend("SETUSER")]);

        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Redis"] = $"127.0.0.1:{server.Port},user=coach,password=PASSWORD",
            ["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef",
            ["Coach:Redis:TimeLimit"] = "00:00:20",
        });
        builder.Services.AddCoachLlm();
        builder.Services.AddCoachRedis();
        using IHost host = builder.Build();
        await host.StartAsync();
        IServiceProvider services = host.Services;
        Assert.All(
            await Task.WhenAll(services.GetServices<IComponentHealth>().Where(health => health.Name == "redis")
                .Select(health => health.CheckAsync().AsTask())),
            report => Assert.Equal(ComponentState.Healthy, report.State));
        services.GetRequiredService<IDataProtectionProvider>().CreateProtector("a").Protect([1]);
        IDistributedCache cache = services.GetRequiredService<IDistributedCache>();
        await cache.SetAsync("k", [1], new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromHours(1) });
        Assert.NotNull(await cache.GetAsync("k"));
        await cache.RefreshAsync("k");
        await cache.RemoveAsync("k");
        await services.GetRequiredService<IRevokedSessionStore>()
            .RevokeAsync(SessionId.From("s"), DateTimeOffset.MaxValue);
        IRateLimitStore limits = services.GetRequiredService<IRateLimitStore>();
        await limits.TryAcquireAsync("a", new RateLimit(1, 1));
        Assert.False((await limits.TryAcquireAsync("a", new RateLimit(1, 1))).IsGranted);
        Connections.RedisConnection connection = services.GetRequiredService<Connections.RedisConnection>();
        Func<TimeSpan, Task> advance = span =>
        {
            connection.ClockOffset += span;
            return Task.CompletedTask;
        };
        IChatHistoryStore history = services.GetRequiredService<IChatHistoryStore>();
        foreach (string check in Testing.ChatHistoryStoreContract.Names)
        {
            await Testing.ChatHistoryStoreContract.RunAsync(
                check, history, advance, TestContext.Current.CancellationToken);
        }

        foreach (string check in Testing.EmbeddingCacheContract.Names)
        {
            await Testing.EmbeddingCacheContract.RunAsync(
                check, services.GetRequiredService<IEmbeddingCache>(), advance);
        }

        IConnectionMultiplexer own = await connection.ConnectAsync();
        await Assert.ThrowsAsync<RedisServerException>(() => own.GetDatabase().ExecuteAsync("RANDOMKEY"));
        await Assert.ThrowsAsync<RedisServerException>(() => own.GetDatabase().StringGetAsync("elsewhere"));
    }

    public void Dispose() => _folder.Dispose();

    private static Task<string> ReadmeAsync()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Coach.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return File.ReadAllTextAsync(Path.Combine(folder, "src", "Coach.Redis", "README.md"));
    }

    [GeneratedRegex("ACL SETUSER (.*?)```", RegexOptions.Singleline)]
    private static partial Regex AclPattern();
}
