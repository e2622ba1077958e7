using System.Globalization;
using Coach.Abstractions;

namespace Coach.Rag.Scopes;

/// <summary>The component <c>rag</c> of a registration with scopes, or <c>rag_NAME</c> of a named one.</summary>
internal sealed class ScopeHealth(string name, ScopeTable table, CoachRagOptions options) : IComponentHealth
{
    public string Name => name.Length == 0 ? "rag" : "rag_" + name;

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        string open = string.Create(
            CultureInfo.InvariantCulture,
            $"Documents are kept by scope; {table.OpenScopes} of at most {table.Options.MaxOpen} are open.");
        if (table.Failure is not { } failure)
        {
            return ValueTask.FromResult(new ComponentReport(ComponentState.Healthy, open));
        }

        ComponentState state = options.Required && table.OpenScopes == 0
            ? ComponentState.Unhealthy
            : ComponentState.Degraded;
        return ValueTask.FromResult(new ComponentReport(state, $"{open} {failure.Message}"));
    }
}
