using Coach.Rag;
using Coach.Rag.Embeddings;
using Coach.Rag.MiniLM;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the packaged encoder to a registration of Coach.Rag.</summary>
public static class CoachRagMiniLMBuilderExtensions
{
    /// <summary>
    /// Embeds with all-MiniLM-L6-v2 in this process. It is opened when it is first needed, once for all registrations;
    /// passages are embedded in the background, and the other methods answer until then.
    /// </summary>
    /// <param name="builder">The registration.</param>
    /// <param name="threads">
    /// The most threads that passages take: 1 to 64; half of the processors unless given, at least one. The first
    /// registration decides.
    /// </param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is out of range.</exception>
    public static CoachRagBuilder UseMiniLM(this CoachRagBuilder builder, int? threads = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads ?? 1, 1, nameof(threads));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads ?? 1, 64, nameof(threads));
        if (!builder.Services.Any(service => Equals(service.ServiceKey, MiniLMModel.Name)))
        {
            builder.Services.AddKeyedSingleton(MiniLMModel.Name, (_, _) => MiniLMModel.Open(threads));
        }

        return builder.UseEmbeddings(
            provider => provider.GetRequiredKeyedService<EncoderEmbeddingGenerator>(MiniLMModel.Name));
    }
}
