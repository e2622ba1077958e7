using System.Text;
using Coach.Rag.Lexical;

namespace Coach.Rag.Tests.Lexical;

public sealed class FuzzyTermsTests
{
    [Theory]
    [InlineData("kubernetes", "kubernetes", 0)]
    [InlineData("kubernetes", "kubernets", 1)]
    [InlineData("kubernetes", "kuberentes", 1)]     // neighbours swapped
    [InlineData("kubernetes", "kubarnetis", 2)]
    [InlineData("receive", "recieve", 1)]
    [InlineData("invoice", "invoices", 1)]
    [InlineData("abc", "xyz", 3)]
    public void Distance_TwoWords_IsTheNumberOfEdits(string a, string b, int expected)
    {
        int distance = FuzzyTerms.Distance(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b), 2);
        Assert.Equal(expected, distance);
        Assert.Equal(expected, FuzzyTerms.Distance(Encoding.UTF8.GetBytes(b), Encoding.UTF8.GetBytes(a), 2));
    }

    [Theory]
    [InlineData("kuberntes ingress")]
    [InlineData("kubernetse")]
    [InlineData("How do I configure kuberentes?")]
    [InlineData("ukbernetes")]
    [InlineData("kubrenets")]
    public async Task RetrieveAsync_AMisspelledWord_FindsWhatWasMeant(string question)
    {
        await using RagHost host = await HostAsync();
        Retrieval retrieval = await host.Retriever.RetrieveAsync(question);
        Assert.Equal("cluster", retrieval.Passages[0].DocumentId);
    }

    [Theory]
    [InlineData("kuberntes", false)]    // switched off
    [InlineData("k8s", true)]           // no word of letters
    [InlineData("cats", true)]          // too short to guess
    [InlineData("hippopotamus", true)]
    public async Task RetrieveAsync_NothingIsMeant_FindsNothing(string question, bool corrects)
    {
        await using RagHost host = await HostAsync(corrects);
        Assert.True((await host.Retriever.RetrieveAsync(question)).FoundNothing);
    }

    [Fact]
    public async Task RetrieveAsync_AWordThatStandsInTheDocuments_IsNotReplaced()
    {
        await using RagHost host = await HostAsync();
        Retrieval retrieval = await host.Retriever.RetrieveAsync("minty");
        Assert.Equal(["tea"], retrieval.Passages.Select(passage => passage.DocumentId));
    }

    [Fact]
    public async Task RetrieveAsync_HundredsOfUnknownWords_AreComparedWithinTheLimit()
    {
        await using RagHost host = await HostAsync();
        string question = string.Join(' ', Enumerable.Range(0, 200).Select(i => $"kuberx{(char)('a' + (i % 26))}{(char)('a' + (i / 26))}etes"));
        Retrieval retrieval = await host.Retriever.RetrieveAsync(question);
        Assert.NotEqual(RagTier.None, retrieval.Tier);
    }

    private static async Task<RagHost> HostAsync(bool corrects = true)
    {
        var host = new RagHost(configure: options => (options.Learn, options.CorrectTypos) = (false, corrects));
        await host.Knowledge.AddOrUpdateAsync(
        [
            new("cluster", "Kubernetes runs containers on a cluster."),
            new("tea", "Tea with mint is minty."),
            new("money", "The mint strikes coins of silver."),
        ]);
        return host;
    }
}
