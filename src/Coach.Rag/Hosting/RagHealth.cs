using Coach.Abstractions;
using Coach.Rag.Indexing;
using Coach.Rag.Tiers;

namespace Coach.Rag.Hosting;

/// <summary>The component <c>rag</c>, or <c>rag_NAME</c> of a named registration.</summary>
internal sealed class RagHealth(
    string name, Retriever retriever, IndexManager index, TierDecision tiers, SourceStatus sources) : IComponentHealth
{
    public string Name => name.Length == 0 ? "rag" : "rag_" + name;

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        RagTier tier = retriever.Tier;
        string? lastFailure = retriever.LastFailure?.Message;
        if (tier == RagTier.None)
        {
            string reason = index.Damage ?? lastFailure ?? sources.Failure ?? "No documents can be searched.";
            return Report(index.Options.Required ? ComponentState.Unhealthy : ComponentState.Degraded, reason);
        }

        // Hybrid was set up; that it does not answer is to be seen before the next question.
        string? problem = index.Damage ?? tiers.EmbedderProblem(tier) ?? sources.Unlisted ?? lastFailure
            ?? index.MergeFailure;
        return problem is null
            ? Report(ComponentState.Healthy, $"Documents are searched; tier {tier}.")
            : Report(ComponentState.Degraded, $"Documents are searched; tier {tier}. {problem}");
    }

    private static ValueTask<ComponentReport> Report(ComponentState state, string text) =>
        ValueTask.FromResult(new ComponentReport(state, text));
}
