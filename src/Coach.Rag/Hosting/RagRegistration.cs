using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Hosting;

/// <summary>The services of one registration; null once its documents are kept by scope.</summary>
internal sealed class RagRegistration(IReadOnlyList<ServiceDescriptor>? services)
{
    /// <summary>Takes them out again.</summary>
    /// <returns>Whether they were there.</returns>
    public bool TryRemoveFrom(IServiceCollection all)
    {
        if (services is null)
        {
            return false;
        }

        foreach (ServiceDescriptor service in services)
        {
            all.Remove(service);
        }

        return true;
    }
}
