using System.Diagnostics;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Llm;

/// <summary>What many live sessions cost, and whether their common end is felt by the others.</summary>
/// <param name="Count">Live Gemini sessions, each with its own key.</param>
/// <param name="BytesPerSession">Managed memory per session: handle, key, client, and everything the registry holds.</param>
/// <param name="MaxAcquirePauseMs">The longest acquire of a live session while all others expired at once.</param>
/// <param name="MaxAcquirePauseAtRestMs">The longest acquire in the same loop with nothing expiring: what the machine itself adds.</param>
/// <param name="ExpiryMs">How long the sweep took.</param>
/// <param name="Remaining">Sessions alive after the sweep: the ones in use.</param>
internal sealed record SessionsResult(
    int Count, double BytesPerSession, double MaxAcquirePauseMs, double MaxAcquirePauseAtRestMs, double ExpiryMs, int Remaining);

internal static class SessionsProof
{
    private const int Hot = 16;

    public static async Task<SessionsResult> RunAsync(int count)
    {
        var clock = new VirtualClock();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(clock);
        services.AddCoachLlm(options =>
        {
            options.Sessions.MaxSessions = count + Hot;
            options.Sessions.SlidingExpiration = TimeSpan.FromMinutes(30);
            options.Sessions.AbsoluteExpiration = TimeSpan.FromHours(8);
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        var registry = provider.GetRequiredService<ISessionClientRegistry>();
        (SessionId Session, ApiKey Key)[] hot = [.. Enumerable.Range(0, Hot).Select(i => Make("hot", i))];
        foreach ((SessionId session, ApiKey key) in hot)
        {
            (await registry.AcquireAsync<IChatClient>(session, key)).Dispose();
        }

        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < count; i++)
        {
            (SessionId session, ApiKey key) = Make("s", i);
            (await registry.AcquireAsync<IChatClient>(session, key)).Dispose();
        }

        double bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)count;
        clock.Advance(TimeSpan.FromMinutes(29));
        double atRest = Measure(registry, hot, () => Thread.Sleep(500)).Longest;
        (double longest, double took) = Measure(registry, hot, () => clock.Advance(TimeSpan.FromMinutes(2)));
        return new SessionsResult(count, Math.Round(bytes, 1), Math.Round(longest, 4), Math.Round(atRest, 4), Math.Round(took, 1), registry.SessionCount);
    }

    // Acquires the hot sessions over and over, each timed, while another thread does something.
    private static (double Longest, double Took) Measure(ISessionClientRegistry registry, (SessionId Session, ApiKey Key)[] hot, Action meanwhile)
    {
        using var warm = new ManualResetEventSlim();
        double took = 0;
        var other = new Thread(() =>
        {
            warm.Wait();
            long start = Stopwatch.GetTimestamp();
            meanwhile();
            took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        });
        other.Start();
        long longest = 0;
        for (int i = 0; i < 20_000 || other.IsAlive; i++)
        {
            if (i == 10_000)
            {
                longest = 0;
                warm.Set();
            }

            (SessionId session, ApiKey key) = hot[i % Hot];
            long start = Stopwatch.GetTimestamp();
            ValueTask<ClientLease<IChatClient>> acquire = registry.AcquireAsync<IChatClient>(session, key);
            ClientLease<IChatClient> lease = acquire.IsCompletedSuccessfully ? acquire.Result : acquire.AsTask().GetAwaiter().GetResult();
            longest = Math.Max(longest, Stopwatch.GetTimestamp() - start);
            lease.Dispose();
        }

        other.Join();
        return (Stopwatch.GetElapsedTime(0, longest).TotalMilliseconds, took);
    }

    private static (SessionId, ApiKey) Make(string prefix, int i) =>
        (SessionId.From($"{prefix}-{i:x8}-0123456789abcdef01234567"), new ApiKey(ProviderNames.Gemini, Secret.From($"AIza{prefix}{i:x8}0123456789abcdef01234567")));
}
