using static Coach.Proofs.Host.AttackProof;

namespace Coach.Proofs.Host;

/// <summary>Somebody else's links, amounts of one's own, events that nobody signed.</summary>
internal static class PaymentAttacks
{
    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. new[] { "-1", "0", "1e3", "12.5", "99999999999999999999", "\"100\"", "null" }.Select(amount => new Attack($"payment: an amount of {amount}", async () =>
            Expect(await host.SendAsync("POST", "/api/payments/links", $$"""{"amount":{{amount}},"currency":"usd","description":"x"}""", $"Idempotency-Key: amount-{Guid.NewGuid():n}"), 400, 422))),
        new("payment: another session's link", async () =>
        {
            RawAnswer created = await LinkAsync(host, await host.VisitAsync(), "mine-1", "soup");
            RawAnswer stolen = await host.SendAsync("GET", $"/api/payments/links/{created.Json("id")}", null, ProofHost.Of(await host.VisitAsync()));
            return created.Status == 201 ? Expect(stolen, 404) : $"created: {created.Status}";
        }),
        new("payment: two idempotency keys", async () =>
            Expect(await host.SendAsync("POST", "/api/payments/links", """{"amount":100,"currency":"usd","description":"x"}""", "Idempotency-Key: a", "Idempotency-Key: b"), 400)),
        new("payment: another request under the same key", async () =>
        {
            string cookie = await host.VisitAsync();
            await LinkAsync(host, cookie, "same-1", "soup");
            return Expect(await LinkAsync(host, cookie, "same-1", "bread"), 409);
        }),
        new("payment: a description with markup on the simulated page", async () =>
        {
            string cookie = await host.VisitAsync();
            RawAnswer created = await LinkAsync(host, cookie, "markup-1", "<script>alert(1)</script>");
            RawAnswer page = await host.SendAsync("GET", $"/api/payments/simulated/{created.Json("id")}", null, ProofHost.Of(cookie));
            if (page.Body.Contains("<script>alert", StringComparison.Ordinal))
            {
                return "it is a script";
            }

            return page.Status == 200 ? null : $"{page.Status}";
        }),
        .. new[] { "", "t=1,v1=00", "t=9999999999,v1=" + new string('0', 64), "v1=x,t=,v1=", new string(',', 5_000) }.Select(signature =>
            new Attack($"webhook: signature {(signature.Length > 40 ? signature[..40] + "…" : signature)}", async () =>
                Expect(await host.SendAsync("POST", "/api/payments/webhook", """{"id":"evt_1","type":"checkout.session.completed"}""", "Stripe-Signature: " + signature), 400, 503))),
        new("webhook: 513 KiB", async () =>
            Expect(await host.SendAsync("POST", "/api/payments/webhook", new string('a', 513 * 1024), "Stripe-Signature: t=1,v1=00"), 400, 413)),
    ];

    private static Task<RawAnswer> LinkAsync(ProofHost host, string cookie, string key, string description) => host.SendAsync(
        "POST", "/api/payments/links", $$"""{"amount":100,"currency":"usd","description":"{{description}}"}""", $"Idempotency-Key: {key}", ProofHost.Of(cookie));
}
