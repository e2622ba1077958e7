using static Coach.Proofs.Host.AttackProof;

namespace Coach.Proofs.Host;

/// <summary>Cookies that were planted, guessed, kept or doubled.</summary>
internal static class CookieAttacks
{
    public static IEnumerable<Attack> Of(ProofHost host, ProofHost proxied) =>
    [
        new("fixation: the cookie from before a key names another session", async () =>
        {
            string before = await host.VisitAsync();
            RawAnswer entered = await host.EnterAsync(before);
            RawAnswer planted = await host.SendAsync("GET", "/api/session", null, ProofHost.Of(before));
            return entered.Cookie is null || entered.Cookie == before ? "no new cookie"
                : planted.Body.Contains("fingerprint", StringComparison.Ordinal) ? "it shows the key" : null;
        }),
        new("fixation: the session stays with its person", async () =>
        {
            string before = await host.VisitAsync();
            string? session = (await host.SendAsync("GET", "/api/session", null, ProofHost.Of(before))).Json("sessionId");
            RawAnswer after = await host.SendAsync("GET", "/api/session", null, ProofHost.Of((await host.EnterAsync(before)).Cookie));
            return session is not null && after.Json("sessionId") == session ? null : "another session";
        }),
        new("crossing: a second key with the old cookie is refused, not lost", async () =>
        {
            string before = await host.VisitAsync();
            await host.EnterAsync(before);
            RawAnswer late = await host.EnterAsync(before, "openai", "proof-key-of-openai");
            return late.Status == 401 && late.Code == "ERR_SESSION_REQUIRED" && late.Cookie is null ? null : $"{late.Status} {late.Code}";
        }),
        new("crossing: an old cookie that only reads takes no new one away", async () =>
        {
            string before = await host.VisitAsync();
            await host.EnterAsync(before);
            return (await host.SendAsync("GET", "/api/session", null, ProofHost.Of(before))).Cookie is null ? null : "a cookie was set";
        }),
        new("an ended session's cookie", async () =>
        {
            string? cookie = (await host.EnterAsync(await host.VisitAsync())).Cookie;
            await host.SendAsync("DELETE", "/api/session", null, ProofHost.Of(cookie));
            RawAnswer again = await host.SendAsync("GET", "/api/session", null, ProofHost.Of(cookie));
            return again.Body.Contains("fingerprint", StringComparison.Ordinal) ? "the key is still there" : null;
        }),
        new("guessing: every character of a cookie changed", async () =>
        {
            string? cookie = (await host.EnterAsync(await host.VisitAsync())).Cookie!;
            for (int i = cookie.IndexOf('=', StringComparison.Ordinal) + 1; i < cookie.Length; i++)
            {
                string forged = cookie[..i] + (cookie[i] == 'A' ? 'B' : 'A') + cookie[(i + 1)..];
                RawAnswer answer = await host.SendAsync("GET", "/api/session", null, ProofHost.Of(forged));

                // The last characters of base64 may hold bits that mean nothing.
                if (answer.Status != 200 || (answer.Body.Contains("fingerprint", StringComparison.Ordinal) && i < cookie.Length - 1))
                {
                    return $"{answer.Status} at {i}";
                }
            }

            return null;
        }),
        new("guessing: the public handle as cookie", async () =>
        {
            string? cookie = (await host.EnterAsync(await host.VisitAsync())).Cookie;
            string? handle = (await host.SendAsync("GET", "/api/session", null, ProofHost.Of(cookie))).Json("sessionId");
            RawAnswer answer = await host.SendAsync("GET", "/api/session", null, $"Cookie: coach_session={handle}");
            return answer.Body.Contains("fingerprint", StringComparison.Ordinal) ? "it opens the session" : null;
        }),
        new("two different session cookies", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, $"Cookie: {await host.VisitAsync()}; {await host.VisitAsync()}"), 400)),
        new("two different session cookies in two headers", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, $"Cookie: {await host.VisitAsync()}", $"Cookie: {await host.VisitAsync()}"), 400)),
        new("a cookie of 20 KB, and one of rubbish", async () =>
            Expect(await host.SendAsync("GET", "/api/session", null, "Cookie: coach_session=" + new string('A', 20_000)), 200, 431)
            ?? Expect(await host.SendAsync("GET", "/api/session", null, "Cookie: coach_session=%00%ff;;;=; =="), 200)),
        new("the cookie is out of scripts' and other sites' reach", async () =>
        {
            string cookie = (await host.SendAsync("GET", "/api/session")).Header("Set-Cookie")!.ToUpperInvariant();
            return cookie.Contains("; HTTPONLY", StringComparison.Ordinal) && cookie.Contains("; SAMESITE=LAX", StringComparison.Ordinal) ? null : cookie;
        }),
        new("over HTTPS only this very host can have set the cookie", async () =>
        {
            RawAnswer answer = await proxied.SendAsync("GET", "/api/session", null, "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example.com");
            string cookie = answer.Header("Set-Cookie") ?? "";
            return cookie.StartsWith("__Host-coach_session=", StringComparison.Ordinal) && cookie.Contains("; secure", StringComparison.OrdinalIgnoreCase) ? null : cookie;
        }),
        new("over HTTPS a planted cookie without prefix does not win", async () =>
        {
            string planted = (await proxied.SendAsync("GET", "/api/session", null, "X-Forwarded-For: 192.0.2.1")).Cookie!;
            RawAnswer own = await proxied.SendAsync("GET", "/api/session", null, "X-Forwarded-Proto: https");
            RawAnswer both = await proxied.SendAsync("GET", "/api/session", null, "X-Forwarded-Proto: https", $"Cookie: {planted}; {own.Cookie}");
            return both.Json("sessionId") == own.Json("sessionId") ? null : "the planted one counts";
        }),
    ];
}
