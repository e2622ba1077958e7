using Coach.Rag.Vectors;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Vectors;

public sealed class EmbedderIdentityTests
{
    [Theory]
    [InlineData("acme", "small", 8, null, "acme/small/8")]
    [InlineData("acme", "small", 8, "0a1b", "acme/small/8/0a1b")]
    [InlineData(null, "small", null, null, "small")]
    [InlineData("", "", null, null, "Named")]
    [InlineData(null, null, null, "0a1b", "Named/0a1b")]
    public void Of_Generator_IsWhatTellsItFromOthers(string? provider, string? model, int? dimension, string? fingerprint, string expected)
    {
        using var generator = new Named(new EmbeddingGeneratorMetadata(provider, null, model, dimension), fingerprint);
        Assert.Equal(expected, EmbedderIdentity.Of(generator));
    }

    [Theory]
    [InlineData("", "", null, "acme")]
    [InlineData("query: ", "passage: ", null, "acme|", 13)]
    [InlineData("", "", "RETRIEVAL_DOCUMENT", "acme|", 13)]
    public void WithPurpose_PrefixesAndTasks_ArePartOfIt(string query, string document, string? purpose, string start, int length = 4)
    {
        using var generator = new Named(new EmbeddingGeneratorMetadata(), null, purpose);
        string identity = EmbedderIdentity.WithPurpose("acme", generator, new CoachRagOptions { QueryPrefix = query, DocumentPrefix = document });
        Assert.StartsWith(start, identity, StringComparison.Ordinal);
        Assert.Equal(length, identity.Length);
        Assert.True(EmbedderIdentity.IsSameGenerator("acme", identity));
        Assert.False(EmbedderIdentity.IsSameGenerator("other", identity));
    }

    private sealed class Named(EmbeddingGeneratorMetadata metadata, string? fingerprint, string? purpose = null) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey switch
        {
            null when serviceType == typeof(EmbeddingGeneratorMetadata) => metadata,
            EmbedderIdentity.FingerprintKey when serviceType == typeof(string) => fingerprint,
            EmbedderIdentity.PurposeKey when serviceType == typeof(string) => purpose,
            _ => null,
        };

        public void Dispose()
        {
        }
    }
}
