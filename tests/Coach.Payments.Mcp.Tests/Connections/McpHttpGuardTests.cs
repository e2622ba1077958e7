using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Payments.Mcp.Tests.Connections;

public sealed class McpHttpGuardTests : IAsyncLifetime
{
    private readonly VirtualClock _clock = new();
    private readonly FakeLogCollector _logs = TestLogs.New();
    private readonly StripeFake _stripe;
    private HttpMcpServer _server = null!;
    private ServiceProvider _services = null!;

    public McpHttpGuardTests() => _stripe = new StripeFake(options => options.Time = _clock);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IPaymentGateway Gateway => _services.GetRequiredService<IPaymentGateway>();

    public async ValueTask InitializeAsync()
    {
        _server = await HttpMcpServer.StartAsync(_stripe);
        _services = NewHost(_server.Url);
    }

    [Fact]
    public async Task CreateAsync_OverHttp_MakesALinkAndSendsTheKeyInTheHeaderOnly()
    {
        PaymentLink link =
            await RunAsync(_services.GetRequiredService<IPaymentLinks>().CreateAsync(McpHost.Order(), Token));
        Assert.Equal(link.Id, Assert.Single(_stripe.Links).Id);
        Assert.NotEmpty(_server.Requests);
        Assert.All(_server.Requests, request =>
        {
            Assert.Equal("Bearer " + McpHost.TestKey, request.Authorization);
            Assert.DoesNotContain(McpHost.TestKey, request.Query + request.Body, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task ProbeAsync_SessionLost_ReconnectsUnseen()
    {
        Assert.True((await RunAsync(Gateway.ProbeAsync(Token))).Value);
        _server.ForgetSessions();
        Assert.True((await RunAsync(Gateway.ProbeAsync(Token))).Value);
        Assert.Equal(2, _server.Sessions);
    }

    [Fact]
    public async Task CreatePriceAsync_SessionLostWhileIdle_LooksBeforeItWrites()
    {
        Assert.True((await RunAsync(Gateway.ProbeAsync(Token))).Value);
        _server.ForgetSessions();
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Null((await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token))).Failure);
        Assert.Single(_stripe.Prices);
    }

    [Fact]
    public async Task CreateLinkAsync_SessionLostJustBefore_IsOfUnknownOutcomeAndRecovers()
    {
        GatewayPrice price = (await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token))).Value!;
        _server.ForgetSessions();
        GatewayResult<GatewayLink> lost = await RunAsync(Gateway.CreateLinkAsync(McpHost.LinkRequest(price.Id), Token));
        Assert.True(lost.Failure?.IsOutcomeUnknown);
        Assert.NotNull((await RunAsync(Gateway.CreateLinkAsync(McpHost.LinkRequest(price.Id), Token))).Value);
    }

    [Theory]
    [InlineData(401, GatewayFailureKind.Unauthorized)]
    [InlineData(403, GatewayFailureKind.Forbidden)]
    [InlineData(429, GatewayFailureKind.RateLimited)]
    [InlineData(502, GatewayFailureKind.Unreachable)]
    public async Task ProbeAsync_ServerRefusesTheConnection_SaysHow(int status, GatewayFailureKind kind)
    {
        _server.Interrupt = (_, context) =>
            RefuseAsync(context, status, $"{{\"error\":\"key {McpHost.TestKey} is bad\"}}");
        GatewayFailure? failure = (await RunAsync(Gateway.ProbeAsync(Token))).Failure;
        Assert.Equal(kind, failure?.Kind);
        Assert.DoesNotContain(McpHost.TestKey, failure?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"hologram","data":"AAAA","depth":{"z":[1]}}""")]
    [InlineData("""{"type":"image","data":"AAAA","mimeType":"image/png"}""")]
    [InlineData("""{"type":"audio","data":"AAAA","mimeType":"audio/wav"}""")]
    [InlineData("""{"type":"resource_link","uri":"https://evil.example/","name":"pay here"}""")]
    [InlineData("""{"type":"image"}""")]
    [InlineData("""{"type":"text","text":7}""")]
    [InlineData("""{"type":"resource","resource":{"blob":"AAAA"}}""")]
    [InlineData("""{"type":7}""")]
    [InlineData("null")]
    [InlineData("\"{}\"")]
    public async Task CreatePriceAsync_ContentOfAKindThatIsNotKnown_TakesTheObjectBesideIt(string block)
    {
        _server.Change = result => result["content"]!.AsArray().Insert(0, JsonNode.Parse(block));
        GatewayResult<GatewayPrice> price =
            await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token));
        Assert.Null(price.Failure);
        Assert.Single(_server.Requests, request => request.Body.Contains("PostPrices", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CreatePriceAsync_StructuredContentAlone_IsRead()
    {
        _server.Change = static result =>
        {
            result["structuredContent"] = JsonNode.Parse(result["content"]![0]!["text"]!.GetValue<string>());
            result.Remove("content");
        };
        GatewayResult<GatewayPrice> price =
            await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token));
        Assert.Null(price.Failure);
    }

    [Fact]
    public async Task CreatePriceAsync_ProgressAndLogBeforeTheAnswer_WaitsForTheAnswer()
    {
        _server.Before =
        [
            """{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"1","progress":0.5}}""",
            """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"evil text"}}""",
            """{"jsonrpc":"2.0","method":"notifications/of_a_later_protocol","params":{"x":[1]}}""",
        ];
        GatewayResult<GatewayPrice> price =
            await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token));
        Assert.Null(price.Failure);
        Assert.Single(_server.Requests, request => request.Body.Contains("PostPrices", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CreatePriceAsync_WrongMode_IsRefused_AndTheServersWordsAreInTheLogAlone()
    {
        Assert.True((await RunAsync(Gateway.ProbeAsync(Token))).Value);
        _server.Interrupt = (method, context) => method == "tools/call"
            ? RefuseAsync(
                context, 400, """{"error":"acct_test is a sandbox account. Retry with livemode set to false."}""")
            : Task.FromResult(false);
        GatewayFailure? failure = (await RunAsync(Gateway.CreatePriceAsync(McpHost.PriceRequest(), Token))).Failure;
        Assert.Equal(GatewayFailureKind.Rejected, failure?.Kind);
        Assert.Equal(
            "The Stripe MCP server refused the request (400). What it said is in the log.", failure?.Message);
    }

    [Fact]
    public async Task ProbeAsync_Redirect_IsNotFollowed()
    {
        await using HttpMcpServer other = await HttpMcpServer.StartAsync(_stripe);
        _server.Interrupt = (_, context) =>
        {
            context.Response.Redirect(other.Url.AbsoluteUri, permanent: false, preserveMethod: true);
            return Task.FromResult(true);
        };
        Assert.NotNull((await RunAsync(Gateway.ProbeAsync(Token))).Failure);
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task ProbeAsync_EndlessAnswer_IsCutOff()
    {
        Assert.True((await RunAsync(Gateway.ProbeAsync(Token))).Value);
        _server.Interrupt = async (method, context) =>
        {
            if (method != "tools/call")
            {
                return false;
            }

            context.Response.ContentType = "application/json";
            byte[] block = new byte[16 * 1024];
            Array.Fill(block, (byte)' ');
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(block);
            }

            return true;
        };
        GatewayFailure? failure = (await RunAsync(Gateway.ProbeAsync(Token))).Failure;
        Assert.Equal(GatewayFailureKind.BadAnswer, failure?.Kind);
        Assert.Equal("The Stripe MCP server sent an answer of more than 65536 characters; raise "
            + "Coach:Payments:Mcp:MaxResultLength if that is right.", failure?.Message);
    }

    [Fact]
    public async Task ProbeAsync_KeyComesInPieces_IsMaskedAndTheRestUnchanged()
    {
        var seen = new ConcurrentQueue<string>();
        using ActivityListener listener = Listen(seen);
        _server.Interrupt = async (method, context) =>
        {
            if (method != "initialize")
            {
                return false;
            }

            context.Response.StatusCode = 400;
            foreach (
                string piece in (string[])["sk_te", "not it, but sk_test_can", "ary4242", "Coach is, and sk_test_canary"])
            {
                await context.Response.WriteAsync(piece);
                await context.Response.Body.FlushAsync();
            }

            return true;
        };
        GatewayFailure? failure = (await RunAsync(Gateway.ProbeAsync(Token))).Failure;
        Assert.Equal(GatewayFailureKind.Rejected, failure?.Kind);
        Assert.DoesNotContain(
            seen.Append(failure!.Message), text => text.Contains(McpHost.TestKey, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ProbeAsync_NothingListens_IsUnreachable()
    {
        await using ServiceProvider services = NewHost(new Uri("http://127.0.0.1:1/mcp"));
        Assert.Equal(
            GatewayFailureKind.Unreachable,
            (await RunAsync(services.GetRequiredService<IPaymentGateway>().ProbeAsync(Token))).Failure?.Kind);
    }

    [Fact]
    public async Task CreateAsync_ServerEchoesTheKeyEverywhere_NothingPassesItOn()
    {
        var seen = new ConcurrentQueue<string>();
        using ActivityListener listener = Listen(seen);
        var links = _services.GetRequiredService<IPaymentLinks>();
        foreach (int status in (int[])[200, 400, 401, 403, 404, 500])
        {
            _server.Interrupt = async (method, context) => method == "tools/call" && await EchoAsync(context, status);
            PaymentException? exception = null;
            try
            {
                PaymentLink link = await RunAsync(links.CreateAsync(McpHost.Order($"order-{status}:1"), Token));
                seen.Enqueue(link.ToString());
            }
            catch (PaymentException caught)
            {
                exception = caught;
            }

            GatewayFailure? failure =
                (await RunAsync(Gateway.CreateLinkAsync(McpHost.LinkRequest("price_1"), Token))).Failure;
            Assert.NotNull(failure);
            seen.Enqueue($"{exception} {failure}");
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.NotEmpty(_logs.Everything());
        Assert.DoesNotContain(
            seen.Concat(_logs.Everything()), text => text.Contains("canary4242", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static ActivityListener Listen(ConcurrentQueue<string> seen)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static _ => true,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => seen.Enqueue(
                $"{activity.DisplayName} {activity.StatusDescription} {string.Join(' ', activity.TagObjects)} "
                + $"{string.Join(' ', activity.Events.SelectMany(item => item.Tags))}"),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static async Task<bool> RefuseAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body);
        return true;
    }

    private static Task<bool> EchoAsync(HttpContext context, int status) => RefuseAsync(context, status, status == 200
        ? $$$"""{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":"bad key {{{McpHost.TestKey}}}"}}"""
        : $$"""{"error":"bad key {{McpHost.TestKey}}"}""");

    private ServiceProvider NewHost(Uri url) => new TestHost(
        services => services.AddCoachPayments().UseStripeMcp(),
        _clock,
        [
            new("STRIPE_API_KEY", McpHost.TestKey),
            new("Coach:Payments:Mcp:Url", url.AbsoluteUri),
            new("Coach:Payments:Mcp:MaxResultLength", "65536"),
        ],
        _logs).Services;

    private Task<T> RunAsync<T>(Task<T> task) => McpHost.DriveAsync(task, _clock, static _ => false);
}
