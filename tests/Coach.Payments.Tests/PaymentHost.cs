using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Payments.Tests;

/// <summary>One process that takes payments, over the Stripe fake without a socket, on virtual time.</summary>
internal sealed class PaymentHost : IDisposable
{
    public const string TestKey = "sk_test_canary4242Coach";
    public const string LiveKey = "sk_live_canary4242Coach";

    private readonly TestHost _host;

    public PaymentHost(
        StripeFake? fake = null, VirtualClock? clock = null, IIdempotencyStore? store = null, string? key = TestKey, string mode = "auto",
        Action<CoachPaymentsOptions>? configure =
            null, Action<CoachPaymentsBuilder>? build = null, FakeLogCollector? logs = null,
        Dictionary<string, string?>? settings = null)
    {
        Clock = clock ?? new VirtualClock();
        Fake = fake ?? NewFake(Clock);
        settings = new Dictionary<string, string?>(settings ?? [])
        { ["Coach:Mode"] = mode, ["STRIPE_API_KEY"] = key, ["STRIPE_WEBHOOK_SECRET"] = Fake.WebhookSecret };
        _host = new TestHost(
            services =>
            {
                CoachPaymentsBuilder builder = services.AddCoachPayments(configure);
                builder.HttpClient.ConfigurePrimaryHttpMessageHandler(Fake.CreateHandler);
                var options = new CoachPaymentsOptions();
                configure?.Invoke(options);
                if (store is not null)
                {
                    builder.UseStore(_ => store);
                }
                else if (options.StorePath is null && !settings.ContainsKey("Coach:Payments:StorePath"))
                {
                    builder.UseMemoryStore(); // live keys would write beside this machine's data
                }

                build?.Invoke(builder);
            },
            Clock, settings, logs);
    }

    public VirtualClock Clock { get; }

    public StripeFake Fake { get; }

    public IServiceProvider Services => _host.Services;

    public IPaymentLinks Links => _host.Get<IPaymentLinks>();

    public IPaymentEvents Events => _host.Get<IPaymentEvents>();

    public IPaymentWebhooks Webhooks => _host.Get<IPaymentWebhooks>();

    public IIdempotencyStore Store => _host.Get<IIdempotencyStore>();

    public IComponentHealth Health =>
        _host.Services.GetServices<IComponentHealth>().Single(component => component.Name == "payments");

    public static StripeFake NewFake(VirtualClock clock) => new(options => options.Time = clock);

    public static PaymentLinkRequest Order(
        string key = "order-1:1", long amount = 1250, string currency = "usd", string? owner = null) => new()
        {
            OperationKey = key,
            Amount = Money.Create(amount, currency),
            Description = "Bar tab at table 4",
            Owner = owner,
        };

    /// <summary>Creates a link, letting virtual time run.</summary>
    public async Task<PaymentLink> CreateAsync(PaymentLinkRequest? request = null)
    {
        Task<PaymentLink> link = Links.CreateAsync(request ?? Order());
        await Clock.RunUntilAsync(link);
        return await link;
    }

    /// <summary>Runs anything, letting virtual time run.</summary>
    public Task<T> RunAsync<T>(Task<T> task) => RunAsync(Clock, task);

    /// <summary>Runs anything on a clock, letting its time run.</summary>
    public static async Task<T> RunAsync<T>(VirtualClock clock, Task<T> task)
    {
        await clock.RunUntilAsync(task);
        return await task;
    }

    public async Task<PaymentException> FailsAsync(PaymentLinkRequest? request = null) =>
        await Assert.ThrowsAsync<PaymentException>(() => CreateAsync(request));

    public IReadOnlyList<StripeRequest> Sent(string method, string path) =>
        [.. Fake.Requests.Where(request => request.Method == method && request.Path == path)];

    public void Dispose() => _host.Dispose();
}
