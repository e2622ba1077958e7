using System.IO.Compression;
using System.Text;

namespace Coach.Rag.Tests.Evaluation;

public sealed class BeirCollectionTests : IDisposable
{
    private const string Head = "query-id\tcorpus-id\tscore\n";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task LoadAsync_PlainAndPackedFiles_ReadAlike()
    {
        Write("corpus.jsonl.gz", """{"_id":"a","title":"Title","text":"Body"}""");
        Write("queries.jsonl", """{"_id":"q","text":"What?"}""");
        Write("qrels/test.tsv.gz", Head + "q\ta\t2\n");
        BeirCollection collection = await LoadAsync();
        KnowledgeDocument document = Assert.Single(collection.Documents);
        Assert.Equal(("a", "Title", "Body", true), (document.Id, document.Title, document.Text, document.IsOnePassage));
        EvaluationQuery query = Assert.Single(collection.Queries);
        Assert.Equal(("q", "What?", 2), (query.Id, query.Text, query.Relevant["a"]));
    }

    [Fact]
    public async Task LoadAsync_NumbersAsIdsAndMissingFields_AreTaken()
    {
        Write("corpus.jsonl", """
            {"_id":7,"text":"no title"}
            {"_id":8,"title":null,"text":"null title","metadata":{"url":"x"}}
            {"_id":9,"title":"only a title"}
            """);
        Write("queries.jsonl", """{"_id":1,"text":"seven"}""");
        Write("qrels/test.tsv", Head + "1\t7\t1\n");
        BeirCollection collection = await LoadAsync();
        Assert.Equal(["7", "8", "9"], collection.Documents.Select(document => document.Id));
        Assert.Equal(["", "", "only a title"], collection.Documents.Select(document => document.Title));
        Assert.Equal("1", Assert.Single(collection.Queries).Id);
    }

    [Fact]
    public async Task LoadAsync_SeveralSplits_TestBeforeOthersUnlessNamed()
    {
        Write("corpus.jsonl", """{"_id":"a","text":"x"}""");
        Write("queries.jsonl", """
            {"_id":"q-dev","text":"x"}
            {"_id":"q-test","text":"x"}
            {"_id":"q-train","text":"x"}
            """);
        foreach (string split in new[] { "dev", "test", "train" })
        {
            Write($"qrels/{split}.tsv", $"{Head}q-{split}\ta\t1\n");
        }

        Assert.Equal("q-test", Assert.Single((await LoadAsync()).Queries).Id);
        Assert.Equal("q-train", Assert.Single((await LoadAsync("train")).Queries).Id);
        await Assert.ThrowsAsync<FileNotFoundException>(() => LoadAsync("validation"));
    }

    [Fact]
    public async Task LoadAsync_JudgmentsOfZeroAndBelow_DoNotCount()
    {
        Write("corpus.jsonl", """{"_id":"a","text":"x"}""");
        Write("queries.jsonl", """
            {"_id":"q1","text":"x"}
            {"_id":"q2","text":"x"}
            """);
        Write("qrels/test.tsv", "q1\ta\t0\nq1\tb\t-1\r\nq2\ta\t1\r\n");     // no head, and lines as Windows ends them
        Assert.Equal("q2", Assert.Single((await LoadAsync()).Queries).Id);
    }

    [Fact]
    public async Task LoadAsync_BrokenLine_NamesFileAndLine()
    {
        Write("corpus.jsonl", "{\"_id\":\"a\",\"text\":\"x\"}\nnot json\n");
        Write("queries.jsonl", "");
        Write("qrels/test.tsv", Head + "q\ta\t1\n");
        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => LoadAsync());
        Assert.Equal("corpus.jsonl, line 2: not JSON.", error.Message);
        Write("qrels/test.tsv", Head + "q a 1\n");
        error = await Assert.ThrowsAsync<InvalidDataException>(() => LoadAsync());
        Assert.Equal("test.tsv, line 2: expected query, document and score, separated by tabs.", error.Message);
    }

    [Fact]
    public async Task EvaluateAsync_SameIdTwice_LastTextCountsOnce()
    {
        Write("corpus.jsonl", """
            {"_id":"a","text":"old words"}
            {"_id":"b","text":"other things"}
            {"_id":"a","text":"new words"}
            """);
        Write("queries.jsonl", """{"_id":"q","text":"new words"}""");
        Write("qrels/test.tsv", Head + "q\ta\t1\n");
        BeirCollection collection = await LoadAsync();
        await using var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(collection.Documents);
        RetrievalEvaluation figures = await new RetrievalEvaluator(host.Retriever).EvaluateAsync(collection.Queries);
        Assert.Equal(["a"], Assert.Single(figures.Queries).Ranking.Select(document => document.Id));
        Assert.Equal((1.0, 1.0, 1.0, 1.0), (figures.Ndcg10, figures.Recall100, figures.Mrr10, figures.Success10));
    }

    private Task<BeirCollection> LoadAsync(string? split = null) =>
        BeirCollection.LoadAsync(_folder.Path, split, TestContext.Current.CancellationToken);

    private void Write(string name, string text)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        using FileStream file = File.Create(path);
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(bytes);
    }
}
