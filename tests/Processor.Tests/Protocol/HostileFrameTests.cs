using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Coach.Testing;

namespace Processor.Tests.Protocol;

/// <summary>Frames that no client of good will sends: each gets a frame that says why, and the right close code.</summary>
public sealed class HostileFrameTests
{
    [Theory]
    [InlineData("", 1002)]
    [InlineData("not json", 1002)]
    [InlineData("{\"kind\":\"RunOpen\"", 1002)]
    [InlineData("[]", 1002)]
    [InlineData("null", 1002)]
    [InlineData("42", 1002)]
    [InlineData("{}", 1002)]
    [InlineData("""{"kind":"RunInvoke","content":{"mode":"mock"}}""", 1002)]
    [InlineData("""{"kind":"runopen","content":{}}""", 1002)]
    [InlineData("""{"kind":["RunOpen"]}""", 1002)]
    [InlineData("""{"kind":"control","content":{"op":"pause"}}""", 1002)]
    [InlineData("""{"kind":"\ud800"}""", 1002)]
    [InlineData("""{"kind":"RunOpen","content":{"run_id":"\ud800","role":"client"}}""", 1002)]
    [InlineData("""{"kind":"RunOpen"}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":null}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":7,"payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"../../etc","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"..","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"run_id":"x","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"admin","run_id":"x","payload":{"mode":"mock"}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"x"}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"x","payload":{}}}""", 1008)]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"x","payload":"text"}}""", 1008)]
    [InlineData("""{"kind":"Request"}""", 1008)]
    [InlineData("""{"kind":"Request","control":{}}""", 1008)]
    [InlineData("""{"kind":"Request","control":{"mode":"mock"},"inputs":{}}""", 1008)]
    [InlineData("""{"kind":"Request","control":{"run_id":"x"}}""", 1008)]
    public async Task FirstFrame_Wrong_IsAnsweredAndClosed(string frame, int status)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(frame);

        await AssertRefusedAsync(client, status, "ERR_INPUTS");
        Assert.Equal("""{"ok":true,"digest":"unknown"}""", await host.Http.GetStringAsync("/healthz"));
    }

    [Fact]
    public async Task FirstFrame_Binary_1003()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.Socket.SendAsync(
            Encoding.UTF8.GetBytes("""{"kind":"Request"}"""), WebSocketMessageType.Binary, true, CancellationToken.None);

        await AssertRefusedAsync(client, 1003, "ERR_INPUTS");
    }

    [Fact]
    public async Task FirstFrame_EmptyBinary_1003()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.Socket.SendAsync(ArraySegment<byte>.Empty, WebSocketMessageType.Binary, true, CancellationToken.None);

        await AssertRefusedAsync(client, 1003, "ERR_INPUTS");
    }

    [Fact]
    public async Task FirstFrame_NoUtf8_1007()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.Socket.SendAsync(new byte[] { 0x7b, 0xff, 0xfe, 0x7d }, WebSocketMessageType.Text, true, CancellationToken.None);

        await client.ReadToEndAsync();

        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, client.Socket.CloseStatus);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task FirstFrame_AtTheLimitOfBytes_IsTaken_OneMoreIs1009(int excess, bool isRefused)
    {
        const int Limit = 64 * 1024;
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxFrameBytes"] = $"{Limit}" });
        await using TestClient client = await host.ConnectAsync();
        string frame = JsonSerializer.Serialize(
            new { kind = "Request", control = new { run_id = "big" }, inputs = Frames.Inputs("hi"), pad = "" });
        await client.SendAsync(frame.Insert(frame.LastIndexOf('"'), new string('a', Limit + excess - frame.Length)));

        if (isRefused)
        {
            await AssertRefusedAsync(client, 1009, "ERR_INPUTS");
        }
        else
        {
            Assert.Null((await client.ReadToEndAsync())[^1].ErrorCode());
        }
    }

    [Fact]
    public async Task FirstFrame_FarTooLong_TheClientStillLearnsWhy()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxFrameBytes"] = "65536" });
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(new string('[', 4 * 1024 * 1024));

        await AssertRefusedAsync(client, 1009, "ERR_INPUTS");
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(65, true)]
    [InlineData(100_000, true)]
    public async Task FirstFrame_AtTheLimitOfDepth_IsTaken_OneMoreIs1002(int depth, bool isRefused)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        string inner = new string('[', depth - 1) + new string(']', depth - 1);
        string inputs = JsonSerializer.Serialize(Frames.Inputs("hi"));
        await client.SendAsync($$"""{"kind":"Request","control":{"run_id":"deep"},"inputs":{{inputs}},"x":{{inner}}}""");

        if (isRefused)
        {
            await AssertRefusedAsync(client, 1002, "ERR_INPUTS");
        }
        else
        {
            Assert.Null((await client.ReadToEndAsync())[^1].ErrorCode());
        }
    }

    [Fact]
    public async Task Silence_UntilTheLimit_1008()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(time: clock);
        await using TestClient client = await host.ConnectAsync();
        Task<List<JsonElement>> reading = client.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        JsonElement final = Assert.Single(await reading);
        Assert.Equal("ERR_TIMEOUT", final.ErrorCode());
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, client.Socket.CloseStatus);
        Assert.True(clock.GetTimestamp() >= TimeSpan.FromSeconds(15).Ticks);
    }

    [Fact]
    public async Task HalfAFrame_UntilTheLimit_1008()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(time: clock);
        await using TestClient client = await host.ConnectAsync();
        await client.Socket.SendAsync(
            Encoding.UTF8.GetBytes("{\"kind\":"), WebSocketMessageType.Text, false, CancellationToken.None);
        Task<List<JsonElement>> reading = client.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        Assert.Equal("ERR_TIMEOUT", Assert.Single(await reading).ErrorCode());
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, client.Socket.CloseStatus);
    }

    [Theory]
    [InlineData("""{"kind":"RunOpen","content":{"role":"client","run_id":"other","payload":{"mode":"mock"}}}""", 1002)]
    [InlineData("""{"kind":"Request","control":{"run_id":"other"},"inputs":{}}""", 1002)]
    [InlineData("nonsense", 1002)]
    [InlineData("""{"kind":"control"}""", 1008)]
    [InlineData("""{"kind":"control","content":{}}""", 1008)]
    public async Task LaterFrame_Wrong_IsAnsweredAndClosed_AndTheRunGoesOn(string frame, int status)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient first = await host.ConnectAsync();
        await first.OpenAsync("held", payload: null, role: "controller");
        await first.ControlAsync("pause");
        await first.ReadUntilAsync(found => found.Phase() == "paused");
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("held", Frames.Payload("hi"));
        await client.ReadUntilAsync(found => found.Phase() == "started");

        await client.SendAsync(frame);

        JsonElement final = (await client.ReadToEndAsync())[^1];
        Assert.Equal("ERR_INPUTS", final.ErrorCode());
        Assert.Equal(status, (int)client.Socket.CloseStatus!);
        await first.ControlAsync("resume");
        Assert.Null((await first.ReadToEndAsync())[^1].ErrorCode());
    }

    [Theory]
    [InlineData(WebSocketMessageType.Binary, "7b7d", 1003)]
    [InlineData(WebSocketMessageType.Text, "7bff7d", 1007)]
    public async Task LaterFrame_OfTheWrongKindOfBytes_ClosesThatConnection_AndTheRunGoesOn(
        WebSocketMessageType type, string bytes, int status)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient first = await host.ConnectAsync();
        await first.OpenAsync("held", payload: null, role: "controller");
        await first.ControlAsync("pause");
        await first.ReadUntilAsync(found => found.Phase() == "paused");
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("held", Frames.Payload("hi"));
        await client.ReadUntilAsync(found => found.Phase() == "started");

        await client.Socket.SendAsync(Convert.FromHexString(bytes), type, true, CancellationToken.None);
        await client.ReadToEndAsync();

        Assert.Equal(status, (int)client.Socket.CloseStatus!);
        await first.ControlAsync("resume");
        Assert.Null((await first.ReadToEndAsync())[^1].ErrorCode());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task FirstFrame_InFragments_AlsoWithinACharacter_IsOneFrame(int size)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        byte[] frame = Encoding.UTF8.GetBytes(
            """{"kind":"Request","control":{"run_id":"parts","mode":"mock"},"inputs":{"messages":[{"role":"user","content":"héllo 😀"}]}}""");
        for (int at = 0; at < frame.Length; at += size)
        {
            int length = Math.Min(size, frame.Length - at);
            await client.Socket.SendAsync(
                frame.AsMemory(at, length), WebSocketMessageType.Text, at + length == frame.Length, CancellationToken.None);
        }

        Assert.Equal("Mock response: héllo 😀", (await client.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task FirstFrame_InFragmentsThatTogetherAreTooLong_1009()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxFrameBytes"] = "65536" });
        await using TestClient client = await host.ConnectAsync();
        byte[] part = new byte[8 * 1024];
        part.AsSpan().Fill((byte)' ');
        for (int i = 0; i < 9; i++)
        {
            await client.Socket.SendAsync(part, WebSocketMessageType.Text, false, CancellationToken.None);
        }

        await AssertRefusedAsync(client, 1009, "ERR_INPUTS");
    }

    [Fact]
    public async Task HalfClosed_BeforeTheFirstFrame_IsClosedToo_AndNothingIsLeft()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        await client.ReadToEndAsync();

        Assert.Equal(WebSocketState.Closed, client.Socket.State);
        Assert.Equal("""{"ok":true,"digest":"unknown"}""", await host.Http.GetStringAsync("/healthz"));
    }

    [Fact]
    public async Task HalfClosed_WhileItsRunGoesOn_EndsTheConnection_AndTheRunIsThereForTheNext()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient first = await host.ConnectAsync();
        await first.OpenAsync("left", Frames.Payload("one two"));
        await first.ReadUntilAsync(found => found.Phase() == "started");
        await first.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        await first.ReadToEndAsync();
        await using TestClient next = await host.ConnectAsync();
        await next.OpenAsync("left", payload: null, role: "observer");

        Assert.Equal("Mock response: one two", (await next.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task Observer_ThatControls_1008()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient observer = await host.ConnectAsync();
        await observer.OpenAsync("watched", payload: null, role: "observer");
        Assert.Equal("Ack", (await observer.ReceiveAsync())!.Value.Kind());
        await observer.ControlAsync("preempt");

        Assert.Equal("ERR_VALIDATION", (await observer.ReadToEndAsync())[^1].ErrorCode());
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, observer.Socket.CloseStatus);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public async Task Handshake_FromAPageOfAnotherSite_Fails(string origin)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();

        await Assert.ThrowsAsync<WebSocketException>(() =>
            TestClient.ConnectAsync(host.Socket, options => options.SetRequestHeader("Origin", origin)));
    }

    [Fact]
    public async Task Handshake_UnderAForeignName_IsMisdirected()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/run") { Headers = { Host = "evil.example" } };

        using HttpResponseMessage answer = await host.Http.SendAsync(request);

        Assert.Equal(421, (int)answer.StatusCode);
    }

    [Fact]
    public async Task NoUpgrade_426()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        using HttpResponseMessage answer = await host.Http.GetAsync("/run");
        Assert.Equal(426, (int)answer.StatusCode);
    }

    private static async Task AssertRefusedAsync(TestClient client, int status, string code)
    {
        JsonElement final = Assert.Single(await client.ReadToEndAsync());
        Assert.Equal(code, final.ErrorCode());
        Assert.DoesNotContain("Exception", final.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", final.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(status, (int)client.Socket.CloseStatus!);
    }
}
