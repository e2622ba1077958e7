using Coach.Rag.Analysis;
using Coach.Rag.Store;
using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Indexing;

public sealed class TermReindexerTests
{
    [Fact]
    public async Task RetrieveAsync_IndexOfAnotherAnalysis_IsMadeAnewFromTheStoredTextWithItsVectors()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        var embedder = new PlantedEmbeddings(text => PlantedEmbeddings.Hashed(text, 16));
        await using (var host = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false))
        {
            await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr."), new("b", "Dogs bark.")]);
        }

        int texts = embedder.Texts;
        AsIfWrittenBy(file, "klingon-porter/9", deleteFirst: false);
        await using var reopened = new RagHost(rag => rag.UseIndexFile(file).UseEmbeddings(embedder), o => o.Learn = false);
        Retrieval retrieval = await reopened.Retriever.RetrieveAsync("purring cats");
        Assert.Equal("a", retrieval.Passages[0].DocumentId);
        Assert.Equal(RagTier.Hybrid, retrieval.Tier);
        Assert.Null(retrieval.Degradation);
        Assert.Equal(2, reopened.Knowledge.DocumentCount);
        Assert.Equal(texts + 1, embedder.Texts);        // the question alone: the passages' vectors were moved
    }

    [Fact]
    public async Task RetrieveAsync_IndexOfAnotherAnalysisThatCannotBeWritten_NamesBothAndAnswersNothing()
    {
        using var folder = new TempFolder();
        string file = folder.File("k.coach");
        await using (var host = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false))
        {
            await host.Knowledge.AddOrUpdateAsync([new("a", "Cats purr."), new("b", "Dogs bark.")]);
        }

        AsIfWrittenBy(file, "klingon-porter/9", deleteFirst: true);
        using var writer = new FileIndexStore(file);
        using (writer.LockForWriting(CancellationToken.None))
        {
            // Another process that writes keeps the terms from being made anew.
            await using var reader = new RagHost(rag => rag.UseIndexFile(file), o => (o.Learn, o.TimeLimit) = (false, TimeSpan.FromMilliseconds(100)));
            Retrieval retrieval = await reader.Retriever.RetrieveAsync("cats");
            Assert.Empty(retrieval.Passages);
            Assert.Equal((RagTier.None, DegradationReason.AnalyserMismatch, true),
                (retrieval.Tier, retrieval.Degradation!.Reason, retrieval.Degradation.IsFailure));
            Assert.Equal($"Index 'k.coach' holds terms of the analysis 'klingon-porter/9', but this version of Coach.Rag asks with those of '{AnalyserIdentity.English}'. "
                + "They are made anew from the stored text in the background, or by the next change; the file must be writable for that.", retrieval.Degradation.Message);
        }

        await using var later = new RagHost(rag => rag.UseIndexFile(file), o => o.Learn = false);
        await later.Knowledge.AddOrUpdateAsync([new("c", "Birds sing.")]);
        Assert.Equal(2, later.Knowledge.DocumentCount);
        Assert.Equal("b", Assert.Single((await later.Retriever.RetrieveAsync("dog")).Passages).DocumentId);
        Assert.Empty((await later.Retriever.RetrieveAsync("cats")).Passages);
    }

    // Copies every section; only the name of the analysis is another one.
    private static void AsIfWrittenBy(string file, string analyser, bool deleteFirst)
    {
        using var store = new FileIndexStore(file);
        using IndexCommitReader snapshot = store.Acquire();
        Dictionary<long, long> ids = [];
        List<SegmentPayload> add = [];
        foreach (IndexSegment segment in snapshot.Segments)
        {
            ids[segment.Id] = snapshot.NextSegmentId + add.Count;
            var payload = new SegmentPayload();
            foreach (IndexSection section in segment.Sections)
            {
                payload.Add(section.Kind, section.Kind switch
                {
                    SectionKind.Analyser => System.Text.Encoding.UTF8.GetBytes(analyser),
                    SectionKind.DenseExtra when VectorOwner.TryRead(segment, out long text, out string identity) => VectorOwner.Write(ids[text], identity),
                    _ => section.Span.ToArray(),
                });
            }

            add.Add(payload);
        }

        store.Commit(new IndexChange { Add = add, RemoveSegments = [.. ids.Keys] }, CancellationToken.None);
        if (deleteFirst)
        {
            store.Commit(new IndexChange { DeletedRows = new Dictionary<long, byte[]> { [ids.Values.First()] = [1] } }, CancellationToken.None);
        }
    }
}
