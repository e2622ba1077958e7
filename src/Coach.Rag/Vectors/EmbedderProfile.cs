using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>
/// What is known of an embedding generator from measurements. A generator answers with its own when it is asked by
/// <see cref="IEmbeddingGenerator.GetService"/> for this type.
/// </summary>
public sealed record EmbedderProfile
{
    /// <summary>The most that it may weigh beside the methods that need no encoder.</summary>
    /// <value>
    /// 0 to 0.5; 0.45 unless set, where general-purpose encoders are best. It weighs less while its nearest passages
    /// are none that the other methods find.
    /// </value>
    public double MaxWeight { get; init; } = 0.45;

    /// <summary>
    /// The cosine of the nearest passage below which a question has nothing to do with the documents, unless their
    /// words say otherwise.
    /// </summary>
    /// <value>
    /// -1 to 1, for 1,000 passages and more (of fewer, the nearest is less near, and it sinks by up to .12); null when
    /// it was not measured: then every question is answered.
    /// </value>
    public double? Floor { get; init; }

    /// <summary>Whether it understands English alone: to questions in other languages it listens less.</summary>
    /// <value>False unless set.</value>
    public bool IsEnglishOnly { get; init; }
}
