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
/// <param name="MaxAcquirePauseMs">The longest acquire of a live session, of all rounds, while all others expired at once.</param>
/// <param name="MedianRoundMs">The median of the rounds' longest: a pause that the sweep makes comes in each round, one that the machine makes in some.</param>
/// <param name="RoundsMs">The longest acquire of each round.</param>
/// <param name="ControlRoundsMs">The longest of as many stretches as there were acquires, between them on the same thread, that acquire nothing: what scheduler and hypervisor add.</param>
/// <param name="TimesBlocked">How often the acquiring thread gave up its processor to wait, in all rounds, as the kernel counts it; null where it does not.</param>
/// <param name="AcquiresOver1Ms">How many acquires took longer than a millisecond, in all rounds.</param>
/// <param name="ControlsOver1Ms">How many of the control stretches did.</param>
/// <param name="Acquires">How many acquires were timed.</param>
/// <param name="GcPauseMs">The time for which the garbage collector stopped all threads meanwhile.</param>
/// <param name="ExpiryMs">How long the longest sweep took.</param>
/// <param name="Remaining">Sessions alive after the sweep: the ones in use.</param>
internal sealed record SessionsResult(
    int Count, double BytesPerSession, double MaxAcquirePauseMs, double MedianRoundMs, double[] RoundsMs, double[] ControlRoundsMs, long? TimesBlocked, int AcquiresOver1Ms,
    int ControlsOver1Ms, long Acquires, double GcPauseMs, double ExpiryMs, int Remaining);

internal static class SessionsProof
{
    private const int Hot = 16;
    private const int Rounds = 7;

    // Expired before anything is measured: the first sweep of a process runs code that is compiled under its locks, once.
    private const int First = 1_000;

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
            options.Sessions.AbsoluteExpiration = TimeSpan.FromDays(1);
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        var registry = provider.GetRequiredService<ISessionClientRegistry>();
        (SessionId Session, ApiKey Key)[] hot = [.. Enumerable.Range(0, Hot).Select(i => Make("hot", i))];
        foreach ((SessionId session, ApiKey key) in hot)
        {
            (await registry.AcquireAsync<IChatClient>(session, key)).Dispose();
        }

        await RoundAsync(Math.Min(First, count));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        double bytes = 0;
        var rounds = new Measure[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            rounds[round] = await RoundAsync(count, after => bytes = round == 0 ? (after - before) / (double)count : bytes);
        }

        return new SessionsResult(count, Math.Round(bytes, 1), Milliseconds(rounds.Max(round => round.Acquire.Longest)),
            Milliseconds(rounds.Select(round => round.Acquire.Longest).Order().ElementAt(Rounds / 2)),
            [.. rounds.Select(round => Milliseconds(round.Acquire.Longest))], [.. rounds.Select(round => Milliseconds(round.Control.Longest))],
            rounds[0].TimesBlocked is null ? null : rounds.Sum(round => round.TimesBlocked), rounds.Sum(round => round.Acquire.OverOneMs), rounds.Sum(round => round.Control.OverOneMs),
            rounds.Sum(round => round.Acquire.Count), Math.Round(rounds.Sum(round => round.GcPause.TotalMilliseconds), 3),
            Math.Round(rounds.Max(round => round.Took.TotalMilliseconds), 1), registry.SessionCount);

        async Task<Measure> RoundAsync(int sessions, Action<long>? filled = null)
        {
            for (int i = 0; i < sessions; i++)
            {
                (SessionId session, ApiKey key) = Make("s", i);
                (await registry.AcquireAsync<IChatClient>(session, key)).Dispose();
            }

            filled?.Invoke(GC.GetTotalMemory(forceFullCollection: true));
            clock.Advance(TimeSpan.FromMinutes(29));
            var measure = new Measure();
            measure.Run(registry, hot, () => clock.Advance(TimeSpan.FromMinutes(2)));
            return measure;
        }
    }

    private static double Milliseconds(long ticks) => Math.Round(Stopwatch.GetElapsedTime(0, ticks).TotalMilliseconds, 4);

    private struct Stretches
    {
        public long Longest;
        public int OverOneMs;
        public long Count;

        public void Add(long ticks)
        {
            Longest = Math.Max(Longest, ticks);
            OverOneMs += ticks > Stopwatch.Frequency / 1000 ? 1 : 0;
            Count++;
        }
    }

    /// <summary>Acquires the hot sessions over and over while another thread does something; each acquire and each control stretch after it is timed.</summary>
    private sealed class Measure
    {
        private const int WarmUp = 20_000;

        public Stretches Acquire;
        public Stretches Control;

        public TimeSpan Took { get; private set; }

        public TimeSpan GcPause { get; private set; }

        public long? TimesBlocked { get; private set; }

        public void Run(ISessionClientRegistry registry, (SessionId Session, ApiKey Key)[] hot, Action meanwhile)
        {
            using var warm = new ManualResetEventSlim();
            var other = new Thread(() =>
            {
                warm.Wait();
                long start = Stopwatch.GetTimestamp();
                meanwhile();
                Took = Stopwatch.GetElapsedTime(start);
            });
            other.Start();
            TimeSpan gc = default;
            long? blocked = null;
            for (int i = 0; i < WarmUp || other.IsAlive; i++)
            {
                if (i == WarmUp / 2)
                {
                    warm.Set();
                    blocked = VoluntarySwitches();
                    (Acquire, Control, gc) = (default, default, GC.GetTotalPauseDuration());
                }

                (SessionId session, ApiKey key) = hot[i % Hot];
                long start = Stopwatch.GetTimestamp();
                ValueTask<ClientLease<IChatClient>> acquire = registry.AcquireAsync<IChatClient>(session, key);
                ClientLease<IChatClient> lease = acquire.IsCompletedSuccessfully ? acquire.Result : acquire.AsTask().GetAwaiter().GetResult();
                long acquired = Stopwatch.GetTimestamp();
                lease.Dispose();
                long length = acquired - start;
                Acquire.Add(length);

                // As long as the acquire would have been undisturbed: a stretch that grew with a pause would catch more of the next ones.
                long begin = Stopwatch.GetTimestamp();
                long now = begin;
                while (now - begin < Math.Min(length, Stopwatch.Frequency / 5_000_000))
                {
                    now = Stopwatch.GetTimestamp();
                }

                Control.Add(now - begin);
            }

            TimesBlocked = VoluntarySwitches() - blocked;
            GcPause = GC.GetTotalPauseDuration() - gc;
            other.Join();
        }

        // A thread that waits for a lock gives up its processor of its own accord; one that the scheduler or the hypervisor stops does not.
        private static long? VoluntarySwitches()
        {
            const string Name = "voluntary_ctxt_switches:";
            const string Status = "/proc/thread-self/status";
            string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal)) : null;
            return line is null ? null : long.Parse(line.AsSpan(Name.Length), System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private static (SessionId, ApiKey) Make(string prefix, int i) =>
        (SessionId.From($"{prefix}-{i:x8}-0123456789abcdef01234567"), new ApiKey(ProviderNames.Gemini, Secret.From($"AIza{prefix}{i:x8}0123456789abcdef01234567")));
}
