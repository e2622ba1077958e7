using Coach.Rag.Embeddings;

namespace Coach.Rag.MiniLM;

/// <summary>
/// The sentence encoder all-MiniLM-L6-v2 (22 million parameters, English) with its weights, which are part of this
/// assembly.
/// </summary>
public static class MiniLMModel
{
    /// <summary>The name under which an index remembers it.</summary>
    /// <value><c>all-MiniLM-L6-v2</c></value>
    public const string Name = "all-MiniLM-L6-v2";

    private const string Resource = Name + ".encoder";

    // Measured: the nearest passages of questions that belong to a collection are at .36 and more for nine of ten,
    // those of off-topic chat at .29 and less.
    private static readonly EmbedderProfile Profile = new() { Floor = 0.3, IsEnglishOnly = true };

    /// <summary>Opens the encoder: 384 dimensions, the first 256 tokens of a text.</summary>
    /// <param name="threads">
    /// The most threads that batches use: 1 to 64; half of the processors unless given, at least one.
    /// </param>
    /// <returns>The generator. The weights stay where the runtime mapped them with the assembly.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is out of range.</exception>
    /// <exception cref="RagException">The assembly is damaged: <see cref="RagError.ModelInvalid"/>.</exception>
    public static EncoderEmbeddingGenerator Open(int? threads = null)
    {
        var resource = (UnmanagedMemoryStream)typeof(MiniLMModel).Assembly.GetManifestResourceStream(Resource)!;
        return EncoderEmbeddingGenerator.Load(resource, Name, threads, Profile);
    }
}
