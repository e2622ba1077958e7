using System.Net.WebSockets;
using System.Text.Json;

namespace Processor.Tests.Protocol;

/// <summary>The frames of the public adapter's clients, both generations, a run a line.</summary>
public sealed class FixtureTests
{
    public static TheoryData<string, string> Runs()
    {
        var runs = new TheoryData<string, string>();
        foreach (string generation in (string[])["older", "newer"])
        {
            string path = Path.Combine(AppContext.BaseDirectory, "Fixtures", generation + ".jsonl");
            foreach (string frame in File.ReadLines(path).Where(line => line.Length > 0))
            {
                runs.Add(generation, frame);
            }
        }

        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Run_OfARecordedClient_IsAnsweredInItsOwnGeneration(string generation, string frame)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(frame);

        List<JsonElement> frames = await client.ReadToEndAsync();

        bool isOlder = generation == "older";
        string id = RunIdOf(JsonDocument.Parse(frame).RootElement);
        string[] stream = isOlder ? ["Token", "Frame", "Log", "Event"] : ["Token", "Log", "Event"];
        Assert.Equal("Ack", frames[0].Kind());
        Assert.Equal(id, RunIdOf(frames[0]));
        Assert.All(frames[1..^1], each => Assert.Contains(each.Kind(), stream));
        Assert.Equal("Mock response: Say hello", frames.Text());
        JsonElement last = frames[^1];
        Assert.Equal(isOlder ? "RunResult" : "Response", last.Kind());
        JsonElement outcome = last.GetProperty(isOlder ? "content" : "control");
        Assert.Equal("success", outcome.GetProperty("status").GetString());
        Assert.Equal(0, outcome.GetProperty("cost_micro").GetInt64());
        if (isOlder)
        {
            Assert.Equal(id, outcome.GetProperty("execution_id").GetString());
            Assert.StartsWith("/artifacts/outputs/" + id, outcome.GetProperty("index_path").GetString(), StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(outcome.GetProperty("meta").GetProperty("env_fingerprint").GetString()));
        }
        else
        {
            Assert.True(outcome.GetProperty("final").GetBoolean());
            Assert.All(frames, each => Assert.Equal(id, RunIdOf(each)));
        }

        Assert.All(frames, each => Assert.DoesNotContain("X-Signature", each.GetRawText(), StringComparison.Ordinal));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.Socket.CloseStatus);
    }

    private static string RunIdOf(JsonElement frame)
    {
        JsonElement holder = frame.TryGetProperty("control", out JsonElement newer) ? newer : frame.GetProperty("content");
        return (holder.TryGetProperty("run_id", out JsonElement id) ? id : holder.GetProperty("execution_id")).GetString()!;
    }
}
