using System.Net;
using static Coach.Proofs.Host.AttackProof;
using static Coach.Proofs.Host.RawHttp;

namespace Coach.Proofs.Host;

/// <summary>What a page on the internet can make a browser send.</summary>
internal static class BrowserAttacks
{
    private const string Question = """{"message":"Which soup is the house soup?"}""";

    private static readonly string[] ForeignNames =
    [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8080", "localhost@evil.example", "0.0.0.0", "[::]",
        "127.0.0.2", "2130706433", "localhost.", "EVIL.example", "xn--lcalhost-n2a",
    ];

    private static readonly string[] Paths = ["/api/session", "/api/config", "/", "/index.html", "/metrics", "/healthz", "/livez", "/readyz", "/openapi/v1.json"];

    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. ForeignNames.Select(name => new Attack($"rebinding: a question under Host {name}", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", Question, $"Host: {name}", $"Origin: http://{name}"), 400, 421))),
        .. Paths.Select(path => new Attack($"rebinding: GET {path} under Host evil.example", async () =>
            Expect(await host.SendAsync("GET", path, null, "Host: evil.example"), 421))),
        new("rebinding: the name in X-Forwarded-Host instead, of no known proxy", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, "Host: evil.example", "X-Forwarded-Host: localhost"), 421)),
        new("rebinding: a full address in the request line", async () =>
            Expect(await host.SendAsync("GET", "http://evil.example/api/session", null, "Host: localhost"), 400, 421)),
        new("own names still answer, on IPv4 loopback", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, "Host: LOCALHOST:1"), 200)
            ?? Expect(await host.SendAsync("GET", "/api/session", null, "Host: [::1]:9"), 200)),
        .. new[] { "http://evil.example", "null", "http://localhost:1", "https://localhost", "http://localhost.evil.example", "file://", "*" }
            .Select(origin => new Attack($"another page: a question with Origin {origin}", async () =>
                Expect(await host.SendAsync("POST", "/api/chat", Question, $"Origin: {origin}"), 403))),
        .. new[] { "cross-site", "same-site" }.Select(site => new Attack($"another page: no Origin, Sec-Fetch-Site {site}", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, $"Sec-Fetch-Site: {site}"), 403))),
        new("another page: two Origins, one of them listed", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", Question, "Origin: http://app.localhost:3000", "Origin: http://evil.example"), 403)),
        new("another page: preflight of an origin that is not listed", async () =>
        {
            RawAnswer answer = await host.SendAsync("OPTIONS", "/api/chat", null, "Origin: http://evil.example", "Access-Control-Request-Method: POST");
            return answer.Header("Access-Control-Allow-Origin") is { } allowed ? $"allows {allowed}" : null;
        }),
        new("another page: a listed origin of the same site may call, and no other is named", async () =>
        {
            RawAnswer answer = await host.SendAsync("POST", "/api/retrieve", """{"query":"soup"}""", "Origin: http://app.localhost:3000", "Sec-Fetch-Site: same-site");
            return answer.Status == 200 && answer.Header("Access-Control-Allow-Origin") == "http://app.localhost:3000"
                ? null : $"{answer.Status} {answer.Header("Access-Control-Allow-Origin")}";
        }),
        .. new[] { "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", "text/json" }
            .Select(type => new Attack($"a form of another page: a key as {type}", async () =>
                Expect(await host.SendAsync("POST", "/api/session/keys", """{"provider":"gemini","apiKey":"x"}""", $"Content-Type: {type}"), 415))),
        new("two Content-Types", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", Question, "Content-Type: application/json", "Content-Type: text/plain"), 400, 415)),
        new("framing, sniffing, embedding: headers of the page, an answer and a failure", async () =>
        {
            foreach (string path in new[] { "/", "/page.js", "/api/session", "/api/nothing", "/livez" })
            {
                RawAnswer answer = await host.SendAsync("GET", path);
                string? missing = new[] { "Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy" }
                    .FirstOrDefault(name => answer.All(name).Count() != 1);
                if (missing is not null || answer.Header("Server") is not null || answer.Header("Cache-Control") is null)
                {
                    return $"{path}: {missing ?? "Server or Cache-Control"}";
                }
            }

            return null;
        }),
        new("a cache keeps nothing of a session", async () =>
        {
            RawAnswer answer = await host.SendAsync("GET", "/api/session");
            return answer.Header("Cache-Control") is { } cache && cache.Contains("no-store", StringComparison.Ordinal) ? null : answer.Header("Cache-Control") ?? "none";
        }),
    ];
}
