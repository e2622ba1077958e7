using System.Diagnostics;

namespace Coach.Proofs.Host;

/// <summary>What attacks on a host found.</summary>
/// <param name="Cases">How many were tried.</param>
/// <param name="Failures">Those that were not held, by name.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Failed">How many were not held.</param>
internal sealed record AttackResult(int Cases, IReadOnlyList<string> Failures, double Seconds, int Failed);

/// <summary>One attack: null when the host held, else what came of it.</summary>
internal sealed record Attack(string Name, Func<Task<string?>> TryAsync);

/// <summary>
/// What a page, a visitor, a neighbour on the network and a document may try on a host, over real loopback sockets: one line a case.
/// </summary>
internal static class AttackProof
{
    public static async Task<AttackResult> RunAsync(string? only)
    {
        long start = Stopwatch.GetTimestamp();
        var failures = new List<string>();
        int cases = 0;
        await using ProofHost host = await ProofHost.StartAsync(new()
        {
            ["Coach:Cors:AllowedOrigins"] = "http://app.localhost:3000",
            ["Coach:RateLimits:KeyChecksPerMinute"] = "100000",
        });
        await using ProofHost proxied = await ProofHost.StartAsync(new()
        {
            ["Coach:Proxy:KnownProxies"] = "127.0.0.1",
            ["AllowedHosts"] = "chat.example.com",
        });
        if (!await host.HasReadAsync(TimeSpan.FromSeconds(60)))
        {
            throw new InvalidOperationException("The documents were not read within 60 s.");
        }

        IEnumerable<Attack> attacks =
        [
            .. BrowserAttacks.Of(host), .. CookieAttacks.Of(host, proxied), .. BodyAttacks.Of(host), .. ProtocolAttacks.Of(host),
            .. OperatorAttacks.Of(host), .. ShareAttacks.All, .. DocumentAttacks.Of(host), .. PaymentAttacks.Of(host),
        ];
        foreach (Attack attack in attacks.Where(attack => only is null || attack.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            string? outcome;
            try
            {
                outcome = await attack.TryAsync();
            }
            catch (Exception exception)
            {
                outcome = $"{exception.GetType().Name}: {exception.Message}";
            }

            cases++;
            Console.WriteLine(outcome is null ? $"held    {attack.Name}" : $"FAILED  {attack.Name}: {outcome}");
            if (outcome is not null)
            {
                failures.Add(attack.Name);
            }
        }

        return new AttackResult(cases, failures, Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1), failures.Count);
    }

    /// <summary>Held when the status is one of these and nothing of the documents came with it.</summary>
    public static string? Expect(RawAnswer answer, params int[] statuses) =>
        answer.Body.Contains("QUITTENGELEE", StringComparison.Ordinal) ? "the documents' text came back"
        : statuses.Contains(answer.Status) ? null
        : $"{answer.Status} {answer.Body[..Math.Min(200, answer.Body.Length)]}";
}
