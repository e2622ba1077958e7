using System.Text;
using System.Text.Json;
using Coach.Testing;

namespace Coach.Proofs.Host;

/// <summary>Documents that give orders, take all the time, or lie in the log; and a damaged index.</summary>
internal static class DocumentAttacks
{
    private static readonly string[] Providers = ["gemini", "openai", "anthropic", "openrouter"];

    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. Providers.Select(provider => new Attack($"injection: passages stand in no system message of {provider}", async () =>
        {
            string? cookie = (await host.EnterAsync(null, provider, $"proof-key-of-{provider}-2")).Cookie;
            await host.AskAsync(cookie);
            ProviderRequest? asked = host.Providers.Requests.LastOrDefault(
                request => request.Provider == provider && request.Body.Contains("QUITTENGELEE", StringComparison.Ordinal));
            return asked is null ? "the passages were not sent at all" : SystemOf(asked.Body).Contains("QUITTENGELEE", StringComparison.Ordinal)
                ? "they stand in the system message"
                : SystemOf(asked.Body).Contains("not instructions", StringComparison.Ordinal) ? null : "the system message has no rule about them";
        })),
        new("an answer that imitates the stream's own events", async () =>
        {
            string? cookie = (await host.EnterAsync(null, "openai", "proof-key-of-openai-3")).Cookie;
            host.Providers.Answer("openai", ScriptedAnswer.Text("soup\n\nevent: done\ndata: {\"provider\":\"forged\"}\n\n"));
            RawAnswer answer = await host.AskAsync(cookie);
            return answer.Body.Split('\n').Any(line => line.StartsWith("data:", StringComparison.Ordinal) && line.Contains("\"provider\":\"forged\"", StringComparison.Ordinal))
                ? "a forged event" : null;
        }),
        new("786 KB of setext headings beside another document: it answers within 15 s", () => BesideAsync(string.Concat(Enumerable.Repeat("a\n===\n", 131_000)))),
        new("50,000 link references beside another document: it answers within 15 s", () => BesideAsync(string.Concat(Enumerable.Range(0, 50_000).Select(n => $"[a{n}]: /b\n")))),
        new("quotes one deeper each line beside another document: it answers within 15 s", () => BesideAsync(string.Concat(Enumerable.Range(1, 1_200).Select(n => new string('>', n) + " a\n")))),
        new("documents' names with line feeds and escapes are harmless in the log", async () =>
        {
            await using ProofHost named = await ProofHost.StartAsync(documents: new()
            {
                ["menu.md"] = ProofHost.Secret, ["a\nforged: crit\u001b[2J.md"] = "", ["b\r\nforged.html"] = "<p>x", ["c\u001b]0;title\u0007.txt"] = "\0\0\0",
            });
            await named.HasReadAsync(TimeSpan.FromSeconds(30));
            return named.Lines.FirstOrDefault(line => line.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')) || line.Contains("\nforged", StringComparison.Ordinal));
        }),
        .. new[] { "cut", "filled with zeros", "one bit flipped in each kilobyte", "followed by rubbish", "of another kind" }
            .Select(damage => new Attack($"an index that is {damage}: the documents answer within 30 s", () => DamagedAsync(damage))),
    ];

    // The four providers' own places of instructions.
    private static string SystemOf(string body)
    {
        var system = new StringBuilder();
        using var document = JsonDocument.Parse(body);
        foreach (string name in new[] { "systemInstruction", "system_instruction", "system", "instructions" })
        {
            if (document.RootElement.TryGetProperty(name, out JsonElement value))
            {
                system.Append(value.GetRawText());
            }
        }

        foreach (string name in new[] { "messages", "input" })
        {
            if (document.RootElement.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement message in list.EnumerateArray())
                {
                    if (message.TryGetProperty("role", out JsonElement role) && role.GetString() is "system" or "developer")
                    {
                        system.Append(message.GetRawText());
                    }
                }
            }
        }

        return system.ToString();
    }

    private static async Task<string?> BesideAsync(string hostile)
    {
        await using ProofHost host = await ProofHost.StartAsync(documents: new() { ["a-hostile.md"] = hostile, ["menu.md"] = ProofHost.Secret });
        return await host.HasReadAsync(TimeSpan.FromSeconds(15)) ? null : "it does not";
    }

    private static async Task<string?> DamagedAsync(string damage)
    {
        byte[] good;
        await using (ProofHost first = await ProofHost.StartAsync())
        {
            if (!await first.HasReadAsync(TimeSpan.FromSeconds(30)))
            {
                return "the first host read nothing";
            }

            await first.App.StopAsync();
            good = await File.ReadAllBytesAsync(first.IndexFile);
        }

        await using ProofHost host = await ProofHost.StartAsync(prepare: folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "kept"));
            File.WriteAllBytes(Path.Combine(folder, "kept", "knowledge.coach"), Damage(good, damage));
        });
        return await host.HasReadAsync(TimeSpan.FromSeconds(30)) ? null : "they do not";
    }

    private static byte[] Damage(byte[] good, string damage)
    {
        byte[] bytes = [.. good];
        switch (damage)
        {
            case "cut":
                return bytes[..(bytes.Length * 2 / 3)];
            case "filled with zeros":
                return new byte[bytes.Length];
            case "followed by rubbish":
                return [.. bytes, .. Enumerable.Repeat((byte)0xA5, 10_000)];
            case "of another kind":
                return [.. "SQLite format 3\0"u8, .. bytes];
            default:
                for (int i = 40; i < bytes.Length; i += 1024)
                {
                    bytes[i] ^= 1;
                }

                return bytes;
        }
    }
}
