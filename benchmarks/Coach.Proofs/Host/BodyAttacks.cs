using System.Globalization;
using System.Text;
using static Coach.Proofs.Host.AttackProof;

namespace Coach.Proofs.Host;

/// <summary>Bodies that are too large, too deep, or not what they say.</summary>
internal static class BodyAttacks
{
    private static readonly (string Name, string Body, int[] Statuses)[] Bodies =
    [
        ("65 KiB", "{\"message\":\"" + new string('a', 65 * 1024) + "\"}", [413]),
        ("10,000 objects within each other", "{\"message\":" + string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) + "1", [400]),
        ("10,000 arrays within each other", new string('[', 10_000), [400]),
        ("no object", "[]", [400]),
        ("nothing", "", [400]),
        ("half of JSON", "{\"message\":\"", [400]),
        ("bytes that are no UTF-8", "{\"message\":\"\u00ff\u00fe\u00c0\u0080\"}", [400, 422]),
        ("half a surrogate pair as a name", "{\"\\ud800\":1,\"message\":\"hi\"}", [400]),
        ("half a surrogate pair as a value", "{\"message\":\"\\ud800\"}", [200, 400, 422]),
        ("a number where a text belongs", "{\"message\":1}", [422]),
        ("null where a text belongs", "{\"message\":null}", [422]),
        ("the same name twice", "{\"message\":\"\",\"message\":\"\"}", [400, 422]),
        ("a conversation's name with a line feed", "{\"message\":\"hi\",\"conversation\":\"a\\nb\"}", [422]),
        ("a conversation's name of 10,000 characters", "{\"message\":\"hi\",\"conversation\":\"" + new string('a', 10_000) + "\"}", [422]),
        ("8,001 characters", "{\"message\":\"" + new string('a', 8_001) + "\"}", [422]),
    ];

    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. Bodies.Select(body => new Attack($"body: {body.Name}", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", body.Body), body.Statuses))),
        new("body: a megabyte in pieces, without its length", async () =>
        {
            var request = new StringBuilder("POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
            for (int i = 0; i < 256; i++)
            {
                request.Append(CultureInfo.InvariantCulture, $"1000\r\n{new string('a', 4096)}\r\n");
            }

            return Expect(await RawHttp.SendAsync(host.Port, request.Append("0\r\n\r\n").ToString()), 413);
        }),
        new("body: said to be gzip", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", "{\"message\":\"hi\"}", "Content-Encoding: gzip"), 415)),
        new("body: said to be UTF-16", async () =>
            Expect(await host.SendAsync("POST", "/api/chat", "{\"message\":\"hi\"}", "Content-Type: application/json; charset=utf-16"), 415)),
        new("a refused key is not in the answer", async () =>
        {
            RawAnswer answer = await host.SendAsync("POST", "/api/session/keys", """{"provider":"gemini","apiKey":"sk-proof-of-a-stolen-key-0001"}""");
            return answer.Status == 422 && !answer.Body.Contains("stolen", StringComparison.Ordinal) ? null : $"{answer.Status} {answer.Body}";
        }),
    ];
}
