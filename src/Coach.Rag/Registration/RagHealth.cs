using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>The component <c>rag</c>, or <c>rag_NAME</c> of a named registration.</summary>
internal sealed class RagHealth(string name, Retriever retriever, IndexManager index, GuardedEmbeddingGenerator embeddings, SourceStatus sources, CoachRagOptions options)
    : IComponentHealth
{
    private readonly QueryEmbedder _question = new(index, embeddings);

    public string Name => name.Length == 0 ? "rag" : "rag_" + name;

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        RagTier tier = retriever.Tier;
        if (tier == RagTier.None)
        {
            return Report(options.Required ? ComponentState.Unhealthy : ComponentState.Degraded,
                index.Damage ?? retriever.LastFailure?.Message ?? sources.Failure ?? "No documents can be searched.");
        }

        string? problem = index.Damage ?? EmbedderProblem(tier) ?? sources.Unlisted ?? retriever.LastFailure?.Message;
        return problem is null
            ? Report(ComponentState.Healthy, $"Documents are searched; tier {tier}.")
            : Report(ComponentState.Degraded, $"Documents are searched; tier {tier}. {problem}");
    }

    // Hybrid was set up; that it does not answer is to be seen before the next question.
    private string? EmbedderProblem(RagTier tier)
    {
        try
        {
            return !embeddings.IsConfigured || tier == RagTier.Hybrid ? null
                : !embeddings.IsOpenForQuestions ? embeddings.Mismatch ?? _question.Sentence(DegradationReason.CircuitOpen)
                : _question.Readiness().Obstacle?.Message;
        }
        catch (RagException e)
        {
            return e.Message;
        }
    }

    private static ValueTask<ComponentReport> Report(ComponentState state, string text) => ValueTask.FromResult(new ComponentReport(state, text));
}
