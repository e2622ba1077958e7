using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;
using Coach.Payments.Mcp.Hosting;
using Coach.Payments.Mcp.Telemetry;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ModelContextProtocol.Client;

namespace Coach.Payments.Mcp.Tests;

/// <summary>One process that takes payments through an MCP server, on virtual time.</summary>
internal sealed class McpHost : IAsyncDisposable
{
    public const string TestKey = "sk_test_canary4242Coach";
    public const string LiveKey = "sk_live_canary4242Coach";
    public const int MaxResultLength = 64 * 1024;

    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan NoEffect = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StuckInProcess = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(20);

    private readonly TestHost _host;
    private readonly PauseClock _pauses;

    public McpHost(
        McpFake mcp, VirtualClock? clock =
            null, string? key = TestKey, IIdempotencyStore? store = null, Action<StripeMcpOptions>? configure = null,
        Action<CoachPaymentsOptions>? payments = null, FakeLogCollector? logs = null)
        : this(mcp.Open, clock, key, store, configure, payments, logs) => Mcp = mcp;

    public McpHost(
        Func<StripeMcpKey, Action, IClientTransport> transports, VirtualClock? clock =
            null, string? key = TestKey, IIdempotencyStore? store = null,
        Action<StripeMcpOptions>? configure =
            null, Action<CoachPaymentsOptions>? payments = null, FakeLogCollector? logs = null)
    {
        Clock = clock ?? new VirtualClock();
        _pauses = new PauseClock(Clock);
        var options = new StripeMcpOptions { MaxResultLength = MaxResultLength };
        configure?.Invoke(options);
        _host = new TestHost(
            services =>
            {
                CoachPaymentsBuilder builder = services.AddCoachPayments(payments);
                services.AddSingleton(provider =>
                {
                    ILogger logger = provider.GetRequiredService<ILoggerFactory>().CreateLogger("Coach.Payments.Mcp");
                    var telemetry = new McpTelemetry(new McpMetrics(), logger);
                    return new StripeMcpGateway(
                        options, provider.GetRequiredService<ISecretSource>(), transports, _pauses, telemetry);
                });
                services.AddSingleton(
                    provider =>
                        new CountingGateway(provider.GetRequiredService<StripeMcpGateway>(), () => Mcp?.BeginCall()));
                builder.UseGateway(provider => provider.GetRequiredService<CountingGateway>());
                if (store is not null)
                {
                    builder.UseStore(_ => store);
                }
                else
                {
                    builder.UseMemoryStore();
                }
            },
            _pauses, [new("STRIPE_API_KEY", key), new("STRIPE_WEBHOOK_SECRET", "whsec_coach_testing")], logs);
    }

    public McpFake? Mcp { get; }

    public VirtualClock Clock { get; }

    public IConfigurationRoot Configuration => _host.Configuration!;

    public IPaymentLinks Links => _host.Get<IPaymentLinks>();

    public IPaymentGateway Gateway => _host.Get<CountingGateway>();

    public static PaymentLinkRequest Order(
        string key = "order-1:1", long amount = 1250, string currency = "usd") => new()
        {
            OperationKey = key,
            Amount = Money.Create(amount, currency),
            Description = $"Bar tab {key}",
        };

    public static GatewayPriceRequest PriceRequest(
        string lookupKey = "coach_tag1", long amount = 1250, string currency = "usd") => new()
        {
            IdempotencyKey = "coach:tag1:price:1",
            LookupKey = lookupKey,
            Amount = Money.Create(amount, currency),
            ProductName = "Bar tab",
            Metadata =
            new Dictionary<string, string> { [PaymentMetadata.Tag] = "tag1", [PaymentMetadata.RequestHash] = "hash1" },
        };

    public static GatewayLinkRequest LinkRequest(string priceId, string tag = "tag1") => new()
    {
        IdempotencyKey = "coach:tag1:link:1",
        PriceId = priceId,
        Metadata = new Dictionary<string, string> { [PaymentMetadata.Tag] = tag },
        IsSingleUse = true,
    };

    /// <summary>
    /// Lets virtual time run while it is waited for: in the pauses between attempts, and when the server holds back the
    /// answer to the call in flight. Pipes and the MCP library run on other threads, outside virtual time; however slow
    /// they are, time stands still for them.
    /// </summary>
    public Task<T> RunAsync<T>(Task<T> task)
    {
        var gateway = (CountingGateway)Gateway;
        (int InCall, int Started, int Silences)? known = null;
        bool isDead = false;
        return DriveAsync(task, Clock, quiet =>
        {
            if (gateway.InCall == 0)
            {
                return _pauses.Pauses > 0;
            }

            (int, int, int) state = (gateway.InCall, gateway.Started, Mcp?.Silences ?? 0);
            bool isHanging = Mcp is { IsHanging: true };
            if (state != known)
            {
                // A limit that passed takes a moment to show: one step for each state.
                (known, isDead) = (state, false);
                return isHanging;
            }

            // Inside a call the connector grants a session that ended a moment for its last words.
            if (_pauses.Pauses > 0 && quiet > LastWords)
            {
                return true;
            }

            // What nobody has answered for long is not answered any more: from there on time runs.
            bool mayHang = isHanging || Mcp is { HasOldHang: true };
            TimeSpan patience = (isDead, mayHang) switch
            {
                (true, _) => Again,
                (_, true) => NoEffect,
                _ => StuckInProcess,
            };
            isDead |= quiet > patience;
            return quiet > patience;
        });
    }

    /// <summary>Takes virtual time to the next timer when it may go on, and in any case when nothing has happened for
    /// long.</summary>
    public static async Task<T> DriveAsync<T>(Task<T> task, VirtualClock clock, Func<TimeSpan, bool> mayAdvance)
    {
        long since = TimeProvider.System.GetTimestamp();
        while (!task.IsCompleted)
        {
            await Task.WhenAny(task, Task.Delay(1));
            if (task.IsCompleted)
            {
                break;
            }

            TimeSpan quiet = TimeProvider.System.GetElapsedTime(since);
            if (mayAdvance(quiet) || quiet > Stuck)
            {
                clock.Advance(clock.NextTimer ?? TimeSpan.FromMilliseconds(250));
                since = TimeProvider.System.GetTimestamp();
            }
        }

        return await task;
    }

    public async Task<PaymentLink> CreateAsync(PaymentLinkRequest? request = null) =>
        await RunAsync(Links.CreateAsync(request ?? Order()));

    public async Task<PaymentException> FailsAsync(PaymentLinkRequest? request = null) =>
        await Assert.ThrowsAsync<PaymentException>(() => CreateAsync(request));

    // What is being closed is waited for in virtual time.
    public async ValueTask DisposeAsync() => await DriveAsync(CloseAsync(), Clock, static quiet => quiet > NoEffect);

    private async Task<bool> CloseAsync()
    {
        await _host.DisposeAsync();
        return true;
    }
}
