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

    private sealed class Named(EmbeddingGeneratorMetadata metadata, string? fingerprint) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey switch
        {
            null when serviceType == typeof(EmbeddingGeneratorMetadata) => metadata,
            EmbedderIdentity.FingerprintKey when serviceType == typeof(string) => fingerprint,
            _ => null,
        };

        public void Dispose()
        {
        }
    }
}
