using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>The component <c>rag</c>.</summary>
internal sealed class RagHealth(IRetriever retriever, CoachRagOptions options) : IComponentHealth
{
    public string Name => "rag";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        RagTier tier = retriever.Tier;
        return ValueTask.FromResult(tier switch
        {
            RagTier.None => new ComponentReport(options.Required ? ComponentState.Unhealthy : ComponentState.Degraded, "No documents can be searched."),
            _ => new ComponentReport(ComponentState.Healthy, $"Documents are searched; tier {tier}."),
        });
    }
}
