using Coach.Testing;

namespace Coach.Payments.Tests;

/// <summary>A host with one link that somebody has paid, and that it has not heard of yet.</summary>
internal sealed class PaidShop : IDisposable
{
    private PaidShop(PaymentHost host, PaymentLink link, StripeFakeSession session) =>
        (Host, Link, Session) = (host, link, session);

    public PaymentHost Host { get; }

    public PaymentLink Link { get; }

    public StripeFakeSession Session { get; }

    public static async Task<PaidShop> OpenAsync(
        PaymentLinkRequest? request = null, Action<CoachPaymentsOptions>? configure = null,
        IIdempotencyStore? store = null, VirtualClock? clock = null, string? key = PaymentHost.TestKey,
        Action<CoachPaymentsBuilder>? build = null)
    {
        var host = new PaymentHost(clock: clock, configure: configure, store: store, key: key, build: build);
        PaymentLink link = await host.CreateAsync(request);
        return new PaidShop(host, link, host.Fake.Pay(link.Id)!);
    }

    public StripeWebhook Webhook(string type, string? eventId = null) => Host.Fake.BuildWebhook(type, Session.Id, eventId);

    public Task<WebhookOutcome> DeliverAsync(StripeWebhook webhook) =>
        Host.Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);

    /// <summary>Takes and confirms everything that waits.</summary>
    public Task<IReadOnlyList<PaymentFactKind>> DrainAsync() => DrainAsync(Host);

    public static async Task<IReadOnlyList<PaymentFactKind>> DrainAsync(PaymentHost host) =>
        [.. (await FactsAsync(host)).Select(fact => fact.Kind)];

    public static async Task<IReadOnlyList<PaymentFact>> FactsAsync(PaymentHost host)
    {
        var told = new List<PaymentFact>();
        while (await host.Events.ClaimAsync(100) is { Count: > 0 } facts)
        {
            foreach (PaymentFact fact in facts)
            {
                told.Add(fact);
                Assert.True(await host.Events.ConfirmAsync(fact));
            }
        }

        return told;
    }

    public void Dispose() => Host.Dispose();
}
