using static Coach.Proofs.Host.RawHttp;

namespace Coach.Proofs.Host;

/// <summary>One person who takes what is there for all.</summary>
internal static class ShareAttacks
{
    private const int Flood = 3_000;
    private const long MaxGrowth = 4 << 20;

    public static IEnumerable<Attack> All =>
    [
        new("600 keys of one address are not all judged, and another address still may", async () =>
        {
            await using ProofHost host = await ProofHost.StartAsync();
            int refused = 0;
            for (int i = 0; i < 600; i++)
            {
                RawAnswer answer = await host.SendAsync("POST", "/api/session/keys", $$"""{"provider":"gemini","apiKey":"AIzaSyStolenKeyNumber{{i:000000000000000000}}"}""");
                if (answer.Status == 429 && answer.Header("Retry-After") is null)
                {
                    return "429 without Retry-After";
                }

                refused += answer.Status == 429 ? 1 : 0;
            }

            RawAnswer other = await host.EnterAsync(null, from: "127.0.0.7");
            if (refused < 500)
            {
                return $"only {refused} refused";
            }

            return other.Status == 200 ? null : $"another address: {other.Status}";
        }),
        new("sessions of one address take their share of places, and another address has one", async () =>
        {
            await using ProofHost host = await Small();
            string? full = await FillAsync(host, n => $"proof-key-number-{n}", _ => "127.0.0.1");
            return full ?? ((await host.EnterAsync(null, key: "proof-key-of-another", from: "127.0.0.9")).Status is var status && status != 200 ? $"another address: {status}" : null);
        }),
        new("sessions with one key take their share of places, and another key has one", async () =>
        {
            await using ProofHost host = await Small();
            string? full = await FillAsync(host, _ => "proof-key-of-many", n => $"127.0.1.{n + 1}");
            return full ?? ((await host.EnterAsync(null, key: "proof-key-of-another", from: "127.0.0.9")).Status is var status && status != 200 ? $"another key: {status}" : null);
        }),
        new($"{Flood} callers without a cookie leave nothing behind", async () =>
        {
            await using ProofHost host = await ProofHost.StartAsync();
            return await GrowthAsync(host, async () => await host.SendAsync("GET", "/api/session"));
        }),
        new($"{Flood} ended sessions leave next to nothing behind", async () =>
        {
            await using ProofHost host = await ProofHost.StartAsync();
            return await GrowthAsync(host, async () =>
                await host.SendAsync("DELETE", "/api/session", null, ProofHost.Of((await host.SendAsync("GET", "/api/session")).Cookie)));
        }),
        new($"{Flood} mock questions under ever new names leave next to nothing behind", async () =>
        {
            await using ProofHost host = await ProofHost.StartAsync();
            int n = 0;
            return await GrowthAsync(host, async () => await host.SendAsync(
                "POST", "/api/chat", $$"""{"message":"hi {{n}}","conversation":"c{{n++}}"}""", $"X-Request-ID: id-{n}", $"User-Agent: a{n}"));
        }),
    ];

    private static Task<ProofHost> Small() => ProofHost.StartAsync(new()
    {
        ["Coach:Llm:Sessions:MaxSessions"] = "20",
        ["Coach:RateLimits:KeyChecksPerMinute"] = "100000",
    });

    // A quarter of 20 places; the sixth is refused and told when to come again.
    private static async Task<string?> FillAsync(ProofHost host, Func<int, string> key, Func<int, string> from)
    {
        for (int i = 0; i < 6; i++)
        {
            RawAnswer answer = await host.EnterAsync(null, key: key(i), from: from(i));
            if (answer.Status != (i < 5 ? 200 : 503) || (i == 5 && answer.Header("Retry-After") is null))
            {
                return $"session {i + 1}: {answer.Status} {answer.Body}";
            }
        }

        return null;
    }

    private static async Task<string?> GrowthAsync(ProofHost host, Func<Task> call)
    {
        for (int i = 0; i < 200; i++)
        {
            await call();
        }

        host.ForgetLines();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Flood; i++)
        {
            await call();
        }

        host.ForgetLines();
        long growth = GC.GetTotalMemory(forceFullCollection: true) - before;
        return growth <= MaxGrowth ? null : $"{growth / 1024} KB more";
    }
}
