using System.Globalization;
using System.Text.RegularExpressions;
using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>Questions about this project's own documentation, asked as the chat sample is asked: defaults, mock mode, no key.</summary>
public sealed partial class DocumentationQuestionsTests(ITestOutputHelper output)
{
    [Fact]
    public async Task GetResponseAsync_FiftyQuestions_CitesAPassageThatHoldsTheAnswer()
    {
        await using RagHost host = await HostAsync();
        using var client = new RagChatClient(new MockChatClient(), host.Retriever);
        string[][] questions = [.. Lines("questions.tsv").Skip(1).Select(line => line.Split('\t'))];
        Assert.Equal(50, questions.Length);
        int cited = 0;
        int first = 0;
        int found = 0;
        int foundFirst = 0;
        foreach (string[] question in questions)
        {
            var answer = new Regex(question[1], RegexOptions.IgnoreCase | RegexOptions.Singleline);
            ChatResponse response = await client.GetResponseAsync(question[0]);
            CitationsContent content = response.Messages[^1].Contents.OfType<CitationsContent>().Single();
            bool isCited = content.Citations.Any(citation => answer.IsMatch(citation.Passage.Text));
            Match number = Number().Match(response.Text);
            bool isFirst = number.Success
                && answer.IsMatch(content.Retrieval.Passages[int.Parse(number.Groups[1].Value, CultureInfo.InvariantCulture) - 1].Text);
            cited += isCited ? 1 : 0;
            found += content.Retrieval.Passages.Any(passage => answer.IsMatch(passage.Text)) ? 1 : 0;
            foundFirst += content.Retrieval.Passages is [Passage best, ..] && answer.IsMatch(best.Text) ? 1 : 0;
            first += isFirst ? 1 : 0;
            if (!isCited)
            {
                output.WriteLine($"MISSED {question[0]}\n  {response.Text}");
                foreach (Passage passage in content.Retrieval.Passages)
                {
                    output.WriteLine($"  {(answer.IsMatch(passage.Text) ? "*" : " ")} {passage.Score:0.00} {passage.Source} {passage.Heading}");
                }
            }
        }

        output.WriteLine($"{cited} of {questions.Length} questions cite a passage with the answer; {first} cite it first; it is among the passages of {found}, the first one of {foundFirst}");
        Assert.True(cited >= 45, $"{cited} of {questions.Length}");
    }

    [Fact]
    public async Task RetrieveAsync_NothingToDoWithTheDocuments_FindsNothing()
    {
        await using RagHost host = await HostAsync();
        string[] questions = [.. Lines("off-topic.txt")];
        Assert.True(questions.Length >= 20);
        var answered = new List<string>();
        foreach (string question in questions)
        {
            Retrieval retrieval = await host.Retriever.RetrieveAsync(question);
            Assert.Equal(RagTier.Local, retrieval.Tier);
            if (!retrieval.FoundNothing)
            {
                answered.Add($"{question}: {retrieval.Passages[0].Source} {retrieval.Passages[0].Heading}");
            }
        }

        output.WriteLine($"{questions.Length - answered.Count} of {questions.Length} questions off topic get no passage\n{string.Join('\n', answered)}");
        Assert.True(answered.Count * 100 <= questions.Length * 15, string.Join('\n', answered));
    }

    private static async Task<RagHost> HostAsync()
    {
        var host = new RagHost(rag => rag.WithDocuments(Documentation()));
        await host.Knowledge.SyncAsync();
        Assert.True(await host.Knowledge.LearnAsync());
        return host;
    }

    private static IEnumerable<string> Lines(string fixture) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Fixtures", fixture)).Where(line => line.Length > 0);

    // The same documents as the chat sample's.
    private static IEnumerable<KnowledgeDocument> Documentation()
    {
        string root = TestData.Repository;
        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateDirectories(Path.Combine(root, "src")).Select(folder => Path.Combine(folder, "README.md")).Where(File.Exists))
            .Append(Path.Combine(root, "README.md"));
        return files.Order(StringComparer.Ordinal).Select(file => new KnowledgeDocument(Path.GetRelativePath(root, file).Replace('\\', '/'), File.ReadAllText(file))
        {
            Format = TextFormat.Markdown,
        });
    }

    [GeneratedRegex(@"\[(\d)\]")]
    private static partial Regex Number();
}
