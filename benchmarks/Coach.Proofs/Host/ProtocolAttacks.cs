using System.Text.RegularExpressions;
using static Coach.Proofs.Host.AttackProof;
using static Coach.Proofs.Host.RawHttp;

namespace Coach.Proofs.Host;

/// <summary>HTTP as no client writes it, paths that lead elsewhere, and lines for the log.</summary>
internal static partial class ProtocolAttacks
{
    private static readonly (string Name, string Request, int[] Statuses)[] Requests =
    [
        ("two Hosts", "GET /api/session HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", [400]),
        ("no Host", "GET /api/session HTTP/1.1\r\nConnection: close\r\n\r\n", [400]),
        ("an empty Host", "GET /api/session HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n", [400, 421]),
        ("HTTP/1.0 without a Host", "GET /api/session HTTP/1.0\r\n\r\n", [400, 421]),
        ("two lengths", "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{}", [400]),
        ("a length and pieces", "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", [400]),
        ("pieces in an unknown coding", "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nConnection: close\r\n\r\n0\r\n\r\n", [400, 501]),
        ("a negative length", "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\nConnection: close\r\n\r\n", [400]),
        ("a folded header", "GET /api/session HTTP/1.1\r\nHost: localhost\r\nX-A: a\r\n b\r\nConnection: close\r\n\r\n", [400]),
        ("a space before the colon", "GET /api/session HTTP/1.1\r\nHost : localhost\r\nConnection: close\r\n\r\n", [400]),
        ("a null byte in a header", "GET /api/session HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\nConnection: close\r\n\r\n", [400]),
        ("100 KB of headers", "GET /api/session HTTP/1.1\r\nHost: localhost\r\nX-A: " + new string('a', 100_000) + "\r\n\r\n", [400, 431]),
        ("1,000 headers", "GET /api/session HTTP/1.1\r\nHost: localhost\r\n" + string.Concat(Enumerable.Range(0, 1000).Select(n => $"X-{n}: a\r\n")) + "\r\n", [400, 431]),
        ("a path of 20 KB", "GET /" + new string('a', 20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", [400, 414]),
        ("TRACE", "TRACE /api/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", [404, 405]),
        ("CONNECT", "CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", [400, 404, 405, 421]),
        ("a method of one's own", "BREW /api/chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", [404, 405]),
        ("X-HTTP-Method-Override", "GET /api/nothing HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close\r\n\r\n", [404]),
    ];

    private static readonly string[] Paths =
    [
        "/../appsettings.json", "/%2e%2e/appsettings.json", "/..%2fappsettings.json", "/..%5cappsettings.json", "/v-000000000000/..%2f..%2fkept/knowledge.coach",
        "//etc/passwd", "/page.js%00.html", "/kept/knowledge.coach", "/knowledge/menu.md", "/api/session/../../appsettings.json", "/.git/config", "/appsettings.json",
    ];

    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. Requests.Select(request => new Attack($"protocol: {request.Name}", async () => Expect(await SendAsync(host.Port, request.Request), request.Statuses))),
        .. Paths.Select(path => new Attack($"path: {path}", async () => Expect(await host.SendAsync("GET", path), 400, 404, 405))),
        new("a request id with line feeds, colours or a key is replaced", async () =>
        {
            foreach (string id in new[] { "a%0d%0aX-Evil: 1", "\u001b[31mred", "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", new string('a', 65), "a b" })
            {
                RawAnswer answer = await host.SendAsync("GET", "/api/session", null, "X-Request-ID: " + id);
                if (answer.Header("X-Request-ID") is not { } given || given == id || !Plain().IsMatch(given) || answer.Header("X-Evil") is not null)
                {
                    return answer.Header("X-Request-ID") ?? "none";
                }
            }

            return null;
        }),
        new("two request ids are replaced", async () =>
            (await host.SendAsync("GET", "/api/session", null, "X-Request-ID: a", "X-Request-ID: b")).All("X-Request-ID").SingleOrDefault() is { } id && id is not ("a" or "b" or "a,b")
                ? null : "taken over"),
        new("log forging: paths, names, providers, models and headers with line feeds and escapes", async () =>
        {
            const string Forged = "\\n2026-01-01 crit: forged\\u001b[2J";
            string[] bodies =
            [
                $$"""{"message":"{{Forged}}","conversation":"{{Forged}}","provider":"{{Forged}}","model":"{{Forged}}"}""",
                $$"""{"provider":"{{Forged}}","apiKey":"{{Forged}}"}""", $$"""{"{{Forged}}":"x"}""", $$"""{"query":"{{Forged}}","top":"{{Forged}}"}""",
                $$"""{"amount":1,"currency":"{{Forged}}","description":"{{Forged}}"}""",
            ];
            foreach (string path in new[] { "/api/chat", "/api/session/keys", "/api/retrieve", "/api/payments/links", "/api/payments/webhook" })
            {
                foreach (string body in bodies)
                {
                    await host.SendAsync("POST", path, body, "Idempotency-Key: forged-1", "User-Agent: \u001b[31mforged", "Referer: forged%0a");
                }
            }

            foreach (string path in new[] { "/api/%0aforged%1b[31m", "/api/session/keys/%0aforged", "/api/payments/links/%0d%0aforged", "/%0aforged" })
            {
                await host.SendAsync("GET", path);
                await host.SendAsync("DELETE", path);
            }

            return host.Lines.FirstOrDefault(line => Control().IsMatch(line.ReplaceLineEndings(" ")) || ForgedLine().IsMatch(line));
        }),
    ];

    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}$")]
    private static partial Regex Plain();

    [GeneratedRegex(@"[\x00-\x08\x0b-\x1f\x7f]")]
    private static partial Regex Control();

    [GeneratedRegex(@"^\s*(?:2026-01-01 crit: )?forged", RegexOptions.Multiline)]
    private static partial Regex ForgedLine();
}
