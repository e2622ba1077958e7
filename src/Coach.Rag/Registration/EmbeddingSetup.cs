using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>The embedding generator of a registration, if it has one.</summary>
internal sealed class EmbeddingSetup
{
    public Func<IServiceProvider, IEmbeddingGenerator<string, Embedding<float>>?>? Create { get; set; }

    public EmbeddingQuality Quality { get; set; }

    public string? Identity { get; set; }
}
