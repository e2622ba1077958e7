using System.Globalization;
using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>
/// What an index remembers an embedding generator by, so that vectors of two of them are never compared.
/// </summary>
public static class EmbedderIdentity
{
    /// <summary>
    /// The service key under which a generator may tell its content from that of others of its name and dimension: a
    /// <see cref="string"/>, asked for by <see cref="IEmbeddingGenerator.GetService"/>. A model folder answers with a
    /// hash.
    /// </summary>
    /// <value><c>coach.rag.fingerprint</c></value>
    public const string FingerprintKey = "coach.rag.fingerprint";

    /// <summary>Provider, model, dimension and fingerprint, as far as there are any; else the type's name.</summary>
    internal static string Of(IEmbeddingGenerator<string, Embedding<float>> generator)
    {
        var metadata = (EmbeddingGeneratorMetadata?)generator.GetService(typeof(EmbeddingGeneratorMetadata));
        string? dimension = metadata?.DefaultModelDimensions?.ToString(CultureInfo.InvariantCulture);
        string?[] parts = [metadata?.ProviderName, metadata?.DefaultModelId, dimension];
        string name = string.Join('/', parts.Where(part => !string.IsNullOrEmpty(part)));
        name = name.Length > 0 ? name : generator.GetType().Name;
        return generator.GetService(typeof(string), FingerprintKey) is string fingerprint
            ? $"{name}/{fingerprint}"
            : name;
    }
}
