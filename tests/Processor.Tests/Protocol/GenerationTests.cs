using System.Net.WebSockets;
using System.Text.Json;

namespace Processor.Tests.Protocol;

public sealed class GenerationTests
{
    [Fact]
    public async Task Older_MockRun_IsAcknowledgedStreamedAndSettled()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("run-1", Frames.Payload("one two"));

        List<JsonElement> frames = await client.ReadToEndAsync();

        Assert.Equal("Ack", frames[0].Kind());
        Assert.Equal("run-1", frames[0].GetProperty("content").GetProperty("run_id").GetString());
        Assert.Equal("started", frames[1].Phase());
        Assert.Equal("Mock response: one two", frames.Text());
        Assert.Equal("RunResult", frames[^1].Kind());
        JsonElement envelope = frames[^1].GetProperty("content");
        Assert.Equal("success", envelope.GetProperty("status").GetString());
        Assert.Equal("run-1", envelope.GetProperty("execution_id").GetString());
        Assert.Equal(0, envelope.GetProperty("cost_micro").GetInt64());
        Assert.Equal("/artifacts/outputs/run-1/outputs.json", envelope.GetProperty("index_path").GetString());
        JsonElement output = Assert.Single(envelope.GetProperty("outputs").EnumerateArray());
        Assert.Equal("/artifacts/outputs/run-1/outputs/text/response.txt", output.GetProperty("path").GetString());
        Assert.Equal(22, output.GetProperty("size_bytes").GetInt32());
        Assert.Equal("text/plain", output.GetProperty("mime").GetString());
        Assert.StartsWith("sha256:", output.GetProperty("cid").GetString());
        JsonElement meta = envelope.GetProperty("meta");
        Assert.Equal("unknown", meta.GetProperty("image_digest").GetString());
        Assert.StartsWith("cpu:1;memory:2Gi;platform:", meta.GetProperty("env_fingerprint").GetString());
        Assert.True(meta.GetProperty("duration_ms").GetInt64() >= 0);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.Socket.CloseStatus);
    }

    [Fact]
    public async Task Newer_MockRun_IsAcknowledgedStreamedAndSettled()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.RequestAsync("run-2", Frames.Inputs("hello"), outputs: new { response = "/artifacts/a/b.txt" });

        List<JsonElement> frames = await client.ReadToEndAsync();

        Assert.Equal("Ack", frames[0].Kind());
        Assert.Equal("run-2", frames[0].GetProperty("control").GetProperty("run_id").GetString());
        Assert.All(frames, frame => Assert.Equal("run-2", frame.GetProperty("control").GetProperty("run_id").GetString()));
        Assert.Equal("Mock response: hello", frames.Text());
        JsonElement response = frames[^1];
        Assert.Equal("Response", response.Kind());
        JsonElement control = response.GetProperty("control");
        Assert.Equal("success", control.GetProperty("status").GetString());
        Assert.Equal(0, control.GetProperty("cost_micro").GetInt64());
        Assert.True(control.GetProperty("final").GetBoolean());
        Assert.Equal("/artifacts/a/b.txt", response.GetProperty("outputs").GetProperty("response").GetString());
        Assert.False(response.TryGetProperty("error", out _));
        Assert.Equal("Mock response: hello", await File.ReadAllTextAsync(Path.Combine(host.Artifacts, "a/b.txt")));
    }

    [Fact]
    public async Task Mock_SameInputs_SameFrames()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        var texts = new List<string>();
        foreach (string id in (string[])["a", "b"])
        {
            await using TestClient client = await host.ConnectAsync();
            await client.OpenAsync(id, Frames.Payload("the same"));
            List<JsonElement> frames = await client.ReadToEndAsync();
            texts.Add(string.Join('\n', frames.Where(frame => frame.Kind() == "Token")
                .Select(frame => frame.GetProperty("content").GetRawText() + frame.GetProperty("seq"))));
        }

        Assert.Equal(texts[0], texts[1]);
    }

    [Theory]
    [InlineData("execution_id")]
    [InlineData("run_id")]
    public async Task Older_EitherNameOfTheId_IsTaken(string name)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(
            $$"""{"kind":"RunOpen","content":{"role":"CLIENT","{{name}}":"x-1","start":true,"payload":{{JsonSerializer.Serialize(Frames.Payload("hi"))}} },"t":1}""");

        JsonElement final = (await client.ReadToEndAsync())[^1];

        Assert.Equal("x-1", final.GetProperty("content").GetProperty("execution_id").GetString());
        Assert.Null(final.ErrorCode());
    }

    [Fact]
    public async Task Handshake_WithoutTheSubprotocol_Fails()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        using var none = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => none.ConnectAsync(host.Socket, CancellationToken.None));
        using var other = new ClientWebSocket();
        other.Options.AddSubProtocol("theory.run.v2");
        await Assert.ThrowsAsync<WebSocketException>(() => other.ConnectAsync(host.Socket, CancellationToken.None));
        using var both = new ClientWebSocket();
        both.Options.AddSubProtocol("other");
        both.Options.AddSubProtocol("theory.run.v1");
        await both.ConnectAsync(host.Socket, CancellationToken.None);
        Assert.Equal("theory.run.v1", both.SubProtocol);
        both.Abort();
    }

    [Fact]
    public async Task Healthz_TellsTheDigestOfTheImage()
    {
        await using ProcessorFixture plain = await ProcessorFixture.StartAsync();
        Assert.Equal("""{"ok":true,"digest":"unknown"}""", await plain.Http.GetStringAsync("/healthz"));
        await using ProcessorFixture image = await ProcessorFixture.StartAsync(new() { ["IMAGE_DIGEST"] = "sha256:abc" });
        Assert.Equal("""{"ok":true,"digest":"sha256:abc"}""", await image.Http.GetStringAsync("/healthz"));
    }
}
