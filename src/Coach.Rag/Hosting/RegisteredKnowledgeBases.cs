using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Hosting;

/// <summary>Scopes are the names of registrations, which are keyed services.</summary>
internal sealed class RegisteredKnowledgeBases(IServiceProvider services) : IKnowledgeBases
{
    public ValueTask<OpenKnowledge?> OpenAsync(KnowledgeScope scope, CancellationToken cancellationToken = default)
    {
        if (scope.Kind is not (KnowledgeScopeKind.Shared or KnowledgeScopeKind.Named))
        {
            return ValueTask.FromResult<OpenKnowledge?>(null);
        }

        object? key = scope.Name.Length == 0 ? null : scope.Name;
        var retriever = services.GetKeyedService<IRetriever>(key);
        var knowledge = services.GetKeyedService<IKnowledgeBase>(key);
        return ValueTask.FromResult(
            retriever is null || knowledge is null ? null : new OpenKnowledge(scope, retriever, knowledge));
    }
}
