using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Chat;

/// <summary>samples/Chat with its packaged encoder.</summary>
public sealed class EncoderTests
{
    [Fact]
    public async Task Chat_AQuestionInOtherWords_IsAnsweredByMeaningAtOnceAndByVectorsSoon()
    {
        using var knowledge = new TempFolder();
        File.WriteAllText(knowledge.File("parking.md"), "# Vehicles\n\nCars may stand behind the house for two hours.\n");
        File.WriteAllText(knowledge.File("opening.md"), "# Hours\n\nThe shop opens at nine and closes at six.\n");
        await using ChatHost host = await ChatHost.StartAsync(
            settings => settings["Coach:Rag:Encoder"] = "minilm", knowledge.Path);
        using HttpClient visitor = host.NewVisitor();
        Assert.Equal("done", (await visitor.AskAsync("How long may cars stand behind the house?")).Events[^1].Event);

        // Vectors come in the background; the session says when they are there.
        string? tier = null;
        for (int i = 0; i < 6000 && tier != "hybrid"; i++)
        {
            using JsonDocument session = JsonDocument.Parse(await visitor.GetStringAsync("/api/session"));
            tier = session.RootElement.GetProperty("ragTier").GetString();
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        ChatReply reply = await visitor.AskAsync("Where can I leave my automobile?");
        Assert.Equal("hybrid", reply.Done.GetProperty("ragTier").GetString());
        Assert.Equal("parking.md", reply.Passages[0].GetProperty("source").GetString());
    }
}
