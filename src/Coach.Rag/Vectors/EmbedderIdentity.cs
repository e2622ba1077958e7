using System.Globalization;
using System.Security.Cryptography;
using System.Text;
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

    /// <summary>
    /// The service key under which a generator may tell how it embeds: the tasks or instructions that it sends along,
    /// as a <see cref="string"/>. Passages are embedded anew when the same generator tells another one.
    /// </summary>
    /// <value><c>coach.rag.purpose</c></value>
    public const string PurposeKey = "coach.rag.purpose";

    private const char PurposeMark = '|';
    private const int PurposeDigits = 8;

    /// <summary>An identity with how it embeds; as it is where there is nothing to tell.</summary>
    internal static string WithPurpose(
        string identity, IEmbeddingGenerator<string, Embedding<float>> generator, CoachRagOptions options)
    {
        string purpose = generator.GetService(typeof(string), PurposeKey) as string ?? "";
        string[] parts = [options.QueryPrefix, options.DocumentPrefix, purpose];
        if (Array.TrueForAll(parts, part => part.Length == 0))
        {
            return identity;
        }

        byte[] all = Encoding.UTF8.GetBytes(string.Join('\0', parts));
        return identity + PurposeMark + Convert.ToHexStringLower(SHA256.HashData(all))[..PurposeDigits];
    }

    /// <summary>Whether two identities are of one generator, whatever it embeds for.</summary>
    internal static bool IsSameGenerator(string one, string other) => WithoutPurpose(one) == WithoutPurpose(other);

    private static string WithoutPurpose(string identity)
    {
        int mark = identity.Length - PurposeDigits - 1;
        return mark > 0 && identity[mark] == PurposeMark ? identity[..mark] : identity;
    }

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
