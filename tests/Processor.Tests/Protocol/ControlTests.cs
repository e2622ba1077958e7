using System.Text.Json;
using Coach.Testing;

namespace Processor.Tests.Protocol;

/// <summary>Several connections at one run: who controls, who watches, who comes back.</summary>
public sealed class ControlTests
{
    [Fact]
    public async Task Pause_BeforeTheRun_HoldsItUntilResumed()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("p", payload: null, role: "controller");
        JsonElement ack = (await controller.ReceiveAsync())!.Value;
        Assert.Equal("PENDING", ack.GetProperty("content").GetProperty("state").GetString());
        await controller.ControlAsync("pause");
        await controller.ReadUntilAsync(frame => frame.Phase() == "paused");
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("p", Frames.Payload("hello"));
        await client.ReadUntilAsync(frame => frame.Phase() == "started");

        await controller.ControlAsync("resume");

        JsonElement resumed = await client.ReadUntilAsync(frame => frame.Kind() == "Token" || frame.Phase() == "resumed");
        Assert.Equal("resumed", resumed.Phase());
        List<JsonElement> rest = await client.ReadToEndAsync();
        Assert.Equal("Mock response: hello", rest.Text());
        Assert.Equal("Mock response: hello", (await controller.ReadToEndAsync()).Text());
    }

    /// <summary>A controller may bring the inputs itself; an observer's are not taken.</summary>
    [Fact]
    public async Task Open_ControllerWithInputs_StartsTheRunAndControlsIt()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient observer = await host.ConnectAsync();
        await observer.OpenAsync("c", Frames.Payload("not mine to ask"), role: "observer");
        await observer.ReceiveAsync();
        await using TestClient controller = await host.ConnectAsync();

        await controller.OpenAsync("c", Frames.Payload("hello"), role: "controller");

        Assert.Equal("Mock response: hello", (await controller.ReadToEndAsync()).Text());
        Assert.Equal("Mock response: hello", (await observer.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task Preempt_EndsWithItsCode_AndKeepsTheTokensSoFar()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Mock:TokenDelay"] = "00:00:01" }, clock);
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("q", Frames.Payload("hello"));
        await client.ReadUntilAsync(frame => frame.Kind() == "Token");
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("q", payload: null, role: "controller");

        await controller.ControlAsync("preempt");

        JsonElement final = (await client.ReadToEndAsync())[^1];
        Assert.Equal("RunResult", final.Kind());
        Assert.Equal("ERR_PREEMPTED", final.ErrorCode());
        List<JsonElement> seen = await controller.ReadToEndAsync();
        Assert.Contains(seen, frame => frame.Phase() == "preempted");
        Assert.Equal("Mock ", seen.Text());
        Assert.False(File.Exists(Path.Combine(host.Artifacts, "outputs/q/outputs.json")));
    }

    [Fact]
    public async Task Preempt_BeforeTheRun_EndsItAtOnce()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("r", payload: null, role: "controller");
        await controller.ControlAsync("preempt");
        Assert.Equal("ERR_PREEMPTED", (await controller.ReadToEndAsync())[^1].ErrorCode());

        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("r", Frames.Payload("hello"));
        Assert.Equal("ERR_PREEMPTED", (await client.ReadToEndAsync())[^1].ErrorCode());
    }

    [Theory]
    [InlineData("""{"op":"set_budget","tokens":2}""", "Mock response: ")]
    [InlineData("""{"op":"set_budget","tokens":0}""", "")]
    public async Task SetBudget_OfTokens_EndsTheRunThere(string content, string text)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("b", payload: null, role: "controller");
        await controller.SendAsync($$"""{"kind":"control","content":{{content}}}""");
        await controller.ReadUntilAsync(frame => frame.Phase() == "budget_updated");
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("b", Frames.Payload("one two three"));

        List<JsonElement> frames = await client.ReadToEndAsync();

        Assert.Equal("ERR_BUDGET_EXCEEDED", frames[^1].ErrorCode());
        Assert.Equal(text, frames.Text());
    }

    [Fact]
    public async Task SetBudget_OfTime_EndsTheRunThen()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Mock:TokenDelay"] = "00:00:10", ["Processor:Heartbeat"] = "00:10:00" }, clock);
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("t", Frames.Payload("one two three"));
        await client.ReadUntilAsync(frame => frame.Kind() == "Token");
        await client.SendAsync("""{"kind":"control","content":{"op":"set_budget","time_s":15}}""");
        await client.ReadUntilAsync(frame => frame.Phase() == "budget_updated");
        Task<List<JsonElement>> reading = client.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        List<JsonElement> frames = await reading;
        Assert.Equal("ERR_BUDGET_EXCEEDED", frames[^1].ErrorCode());
        Assert.Equal("response: ", frames.Text());
    }

    [Theory]
    [InlineData("""{"op":"set_budget","tokens":-1}""")]
    [InlineData("""{"op":"set_budget","tokens":"many"}""")]
    [InlineData("""{"op":"set_budget","tokens":1.5}""")]
    [InlineData("""{"op":"set_budget","time_s":0}""")]
    [InlineData("""{"op":"set_budget","cost_micro":-5}""")]
    [InlineData("""{"op":"dance"}""")]
    [InlineData("""{"op":"resume"}""")]
    public async Task Control_ThatMeansNothing_IsAnsweredAndChangesNothing(string content)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("n", payload: null, role: "controller");
        await controller.SendAsync($$"""{"kind":"control","content":{{content}}}""");

        JsonElement answer = await controller.ReadUntilAsync(frame => frame.Kind() == "Event");

        Assert.Equal("control_noop", answer.Phase());
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("n", Frames.Payload("one"));
        Assert.Equal("Mock response: one", (await client.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task Deadline_Passed_EndsWithATimeout()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Mock:TokenDelay"] = "00:00:04" }, clock);
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(new
        {
            kind = "Request",
            control = new { run_id = "d", mode = "mock", timeout_s = 1 },
            inputs = Frames.Inputs("one two three"),
        });
        await client.ReadUntilAsync(frame => frame.Kind() == "Token");
        Task<List<JsonElement>> reading = client.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        // Asked for 1 s, got the 5 s that are the least.
        List<JsonElement> frames = await reading;
        Assert.Equal("ERR_TIMEOUT", frames[^1].ErrorCode());
        Assert.Equal("response: ", frames.Text());
    }

    [Fact]
    public async Task Silence_OfARun_IsBridgedByHeartbeats()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:Mock:TokenDelay"] = "00:00:35" }, clock);
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("h", Frames.Payload("x"));
        await client.ReadUntilAsync(frame => frame.Kind() == "Token");
        Task<List<JsonElement>> reading = client.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        List<JsonElement> frames = await reading;
        Assert.Null(frames[^1].ErrorCode());
        Assert.Contains(frames, frame => frame.Phase() == "heartbeat");
        Assert.Equal("response: x", frames.Text());
    }

    [Fact]
    public async Task Reconnect_ToARunningAndToAFinishedRun_ShowsItWhole()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient controller = await host.ConnectAsync();
        await controller.OpenAsync("again", payload: null, role: "controller");
        await controller.ControlAsync("pause");
        await controller.ReadUntilAsync(frame => frame.Phase() == "paused");
        await using (TestClient lost = await host.ConnectAsync())
        {
            await lost.OpenAsync("again", Frames.Payload("one two"));
            await lost.ReadUntilAsync(frame => frame.Phase() == "started");
        }

        await using TestClient back = await host.ConnectAsync();
        await back.OpenAsync("again", Frames.Payload("one two"));
        await controller.ControlAsync("resume");
        List<JsonElement> running = await back.ReadToEndAsync();
        await using TestClient later = await host.ConnectAsync();
        await later.OpenAsync("again", payload: null);
        List<JsonElement> finished = await later.ReadToEndAsync();

        Assert.Equal("Mock response: one two", running.Text());
        Assert.Equal("Mock response: one two", finished.Text());
        Assert.Equal(running[^1].GetRawText(), finished[^1].GetRawText());
        Assert.Equal("COMPLETED", finished[0].GetProperty("content").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Reconnect_After_ShowsOnlyWhatWasNotSeen()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("part", Frames.Payload("one two"));
        long seen = (await client.ReadUntilAsync(frame => frame.Kind() == "Token")).GetProperty("seq").GetInt64();
        await client.ReadToEndAsync();

        await using TestClient back = await host.ConnectAsync();
        await back.SendAsync(new { kind = "RunOpen", content = new { role = "observer", run_id = "part", after = seen } });

        Assert.Equal("response: one two", (await back.ReadToEndAsync()).Text());
    }

    [Fact]
    public async Task Reconnect_InTheOtherGeneration_ShowsItThere()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("both", Frames.Payload("one"));
        await client.ReadToEndAsync();
        await using TestClient newer = await host.ConnectAsync();
        await newer.SendAsync("""{"kind":"Request","control":{"run_id":"both","role":"observer"}}""");

        List<JsonElement> frames = await newer.ReadToEndAsync();

        Assert.Equal("Response", frames[^1].Kind());
        Assert.Equal("Mock response: one", frames.Text());
    }

    [Fact]
    public async Task SameIdOtherRequest_IsRefused()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("mine", Frames.Payload("one"));
        await client.ReadToEndAsync();
        await using TestClient other = await host.ConnectAsync();
        await other.OpenAsync("mine", Frames.Payload("two"));

        JsonElement final = Assert.Single(await other.ReadToEndAsync());

        Assert.Equal("ERR_VALIDATION", final.ErrorCode());
        Assert.Equal(1008, (int)other.Socket.CloseStatus!);
    }

    [Fact]
    public async Task Run_WhoseClientNeverComes_Ends()
    {
        var clock = new VirtualClock();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(time: clock);
        await using TestClient observer = await host.ConnectAsync();
        await observer.OpenAsync("nobody", payload: null, role: "observer");
        await observer.ReceiveAsync();
        Task<List<JsonElement>> reading = observer.ReadToEndAsync();

        await clock.RunUntilAsync(reading);

        Assert.Equal("ERR_TIMEOUT", (await reading)[^1].ErrorCode());
        Assert.True(clock.GetTimestamp() >= TimeSpan.FromMinutes(1).Ticks);
    }
}
