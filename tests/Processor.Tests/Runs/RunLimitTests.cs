using System.Text.Json;
using Coach.Testing;

namespace Processor.Tests.Runs;

/// <summary>How many runs, readers and finished runs there may be, and what happens to slow readers.</summary>
public sealed class RunLimitTests
{
    [Fact]
    public async Task MaxRuns_OneMore_IsToldToComeAgain()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxRuns"] = "2" });
        await using TestClient first = await HeldAsync(host, "one");
        await using TestClient second = await HeldAsync(host, "two");
        await using TestClient third = await host.ConnectAsync();
        await third.OpenAsync("three", Frames.Payload("x"));

        Assert.Equal("ERR_RUNTIME", Assert.Single(await third.ReadToEndAsync()).ErrorCode());
        Assert.Equal(1013, (int)third.Socket.CloseStatus!);
        Assert.Contains("2 of 2 runs", await host.Http.GetStringAsync("/healthz"), StringComparison.Ordinal);
        await first.ControlAsync("preempt");
        await first.ReadToEndAsync();
        await using TestClient again = await host.ConnectAsync();
        await again.OpenAsync("three", Frames.Payload("x"));
        Assert.Null((await again.ReadToEndAsync())[^1].ErrorCode());
    }

    [Fact]
    public async Task MaxConnectionsPerRun_OneMore_IsRefused()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxConnectionsPerRun"] = "1" });
        await using TestClient first = await HeldAsync(host, "one");
        await using TestClient second = await host.ConnectAsync();
        await second.OpenAsync("one", payload: null, role: "observer");

        Assert.Equal("ERR_RUNTIME", Assert.Single(await second.ReadToEndAsync()).ErrorCode());
    }

    [Fact]
    public async Task Retention_Passed_TheRunIsForgotten()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Retention"] = "00:01:00" }, clock);
        await using (TestClient client = await host.ConnectAsync())
        {
            await client.OpenAsync("old", Frames.Payload("x"));
            await client.ReadToEndAsync();
        }

        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("COMPLETED", await StateAsync(host));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("PENDING", await StateAsync(host));

        static async Task<string?> StateAsync(ProcessorFixture host)
        {
            await using TestClient observer = await host.ConnectAsync();
            await observer.OpenAsync("old", payload: null, role: "observer");
            return (await observer.ReceiveAsync())!.Value.GetProperty("content").GetProperty("state").GetString();
        }
    }

    [Fact]
    public async Task MaxFinishedRuns_TheOldestGoesFirst()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MaxFinishedRuns"] = "1" });
        foreach (string id in (string[])["a", "b"])
        {
            await using TestClient client = await host.ConnectAsync();
            await client.OpenAsync(id, Frames.Payload("x"));
            await client.ReadToEndAsync();
        }

        await using TestClient gone = await host.ConnectAsync();
        await gone.OpenAsync("a", payload: null);
        Assert.Equal(1008, (await gone.ReadToEndAsync()) is { Count: 1 } ? (int)gone.Socket.CloseStatus! : 0);
        await using TestClient kept = await host.ConnectAsync();
        await kept.OpenAsync("b", payload: null);
        Assert.Null((await kept.ReadToEndAsync())[^1].ErrorCode());
    }

    [Fact]
    public async Task SlowReader_HoldsNobodyUp_AndMissesNothing()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:Mock:MaxEcho"] = "60000" });
        string words = string.Join(' ', Enumerable.Range(0, 5000).Select(i => $"w{i}"));
        await using TestClient slow = await host.ConnectAsync();
        await slow.OpenAsync("s", Frames.Payload(words));
        await using TestClient fast = await host.ConnectAsync();
        await fast.OpenAsync("s", payload: null, role: "observer");

        Assert.Equal("Mock response: " + words, (await fast.ReadToEndAsync()).Text()); // and slow has read nothing yet
        Assert.Equal("Mock response: " + words, (await slow.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task ManyRunsAtOnce_EachGetsItsOwnAnswer()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Mock:TokenDelay"] = "00:00:00.010" });
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            await using TestClient client = await host.ConnectAsync();
            await client.OpenAsync($"many-{i}", Frames.Payload($"number {i}"));
            List<JsonElement> frames = await client.ReadToEndAsync();
            return frames[^1].ErrorCode() ?? frames.Text();
        }));

        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"Mock response: number {i}"), answers);
    }

    [Fact]
    public async Task Stop_RefusesNewRuns_AndLetsRunningOnesEnd()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await HeldAsync(host, "going");
        await using TestClient late = await host.ConnectAsync();
        Task stopping = host.StopAsync();
        await late.OpenAsync("new", Frames.Payload("x"));
        Assert.Equal(1013, (await late.ReadToEndAsync()) is { Count: 1 } ? (int)late.Socket.CloseStatus! : 0);

        await client.ControlAsync("resume");

        Assert.Null((await client.ReadToEndAsync())[^1].ErrorCode());
        await stopping;
    }

    [Fact]
    public async Task Stop_PastTheDrain_PreemptsWhatIsLeft()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:Drain"] = "00:00:00" });
        await using TestClient client = await HeldAsync(host, "stuck");
        Task stopping = host.StopAsync();

        Assert.Equal("ERR_PREEMPTED", (await client.ReadToEndAsync())[^1].ErrorCode());
        await stopping;
    }

    [Fact]
    public async Task Metrics_CountRuns_ForCallersOnTheMachineOnly()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient held = await HeldAsync(host, "counted");
        await using TestClient wrong = await host.ConnectAsync();
        await wrong.RequestAsync("bad", new { });
        await wrong.ReadToEndAsync();

        string page = await host.Http.GetStringAsync("/metrics");

        Assert.Matches("(?m)^processor_runs_active(\\{[^}]*\\})? 1$", page);
        Assert.Matches("(?m)^processor_runs_total\\{.*code=\"ERR_INPUTS\".*mode=\"mock\".*\\} 1$", page);
        using var proxied = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { { "X-Forwarded-For", "203.0.113.1" } } };
        using HttpResponseMessage hidden = await host.Http.SendAsync(proxied);
        Assert.Equal(404, (int)hidden.StatusCode);
    }

    [Fact]
    public async Task Metrics_WithAPortOfTheirOwn_AreOnThatPortOnly()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:MetricsPort"] = "1" });
        using HttpResponseMessage hidden = await host.Http.GetAsync("/metrics");
        Assert.Equal(404, (int)hidden.StatusCode);
    }

    // A run that waits, paused by its own client, before its first token.
    private static async Task<TestClient> HeldAsync(ProcessorFixture host, string id)
    {
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync(id, payload: null, role: "controller");
        await controller.ControlAsync("pause");
        await controller.ReadUntilAsync(frame => frame.Phase() == "paused");
        await controller.Socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        TestClient client = await host.ConnectAsync();
        await client.OpenAsync(id, Frames.Payload("held"));
        await client.ReadUntilAsync(frame => frame.Phase() == "started");
        return client;
    }
}
