using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Rag;

/// <summary>What answers at one tier, with the packaged encoder for the best one.</summary>
internal static class TierServices
{
    public static CoachRagBuilder Add(IServiceCollection services, RagTier tier)
    {
        CoachRagBuilder rag = services.AddCoachRag(options =>
        {
            options.Learn = tier != RagTier.Lexical;
            options.TimeLimit = TimeSpan.FromMinutes(5);
        });
        return tier == RagTier.Hybrid ? rag.UseMiniLM(Environment.ProcessorCount) : rag;
    }
}
