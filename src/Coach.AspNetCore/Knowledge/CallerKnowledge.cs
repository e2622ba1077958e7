using Coach.Abstractions;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Coach.Rag;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Knowledge;

/// <summary>The documents that a chat of the caller would be answered from.</summary>
internal sealed class CallerKnowledge(
    IKnowledgeBases knowledge, ChatPipelineFactory pipelines, ICallerResolver callers) : ISessionTier
{
    /// <summary>Their scope.</summary>
    public async Task<KnowledgeScope> ScopeAsync(HttpContext context)
    {
        if (context.RequestServices.GetService<KnowledgeScopeSource>() is not { } source)
        {
            return KnowledgeScope.Shared;
        }

        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        using ChatPipeline chat = await pipelines.CreateAsync(
            caller, cancellationToken: context.RequestAborted).ConfigureAwait(false);
        return source.Scope(chat.Context);
    }

    /// <summary>The documents; null if none are registered for the caller.</summary>
    public async Task<IKnowledgeBase?> OpenAsync(HttpContext context)
    {
        KnowledgeScope scope = await ScopeAsync(context).ConfigureAwait(false);
        OpenKnowledge? open = await knowledge.OpenAsync(scope, context.RequestAborted).ConfigureAwait(false);
        return open?.Knowledge;
    }

    public async Task<(RagTier Tier, Degradation? Why)> TierAsync(HttpContext context)
    {
        KnowledgeScope scope = await ScopeAsync(context).ConfigureAwait(false);
        try
        {
            OpenKnowledge? open = await knowledge.OpenAsync(scope, context.RequestAborted).ConfigureAwait(false);
            return open is null
                ? (RagTier.None, ScopedRetriever.NotRegistered)
                : (open.Retriever.Tier, open.Retriever.Degradation);
        }
        catch (RagException exception)
        {
            return (RagTier.None, ScopedRetriever.Unavailable(exception));
        }
    }

    /// <summary>Finds passages in them.</summary>
    public async Task<IRetriever> RetrieverAsync(HttpContext context) =>
        new ScopedRetriever(knowledge, await ScopeAsync(context).ConfigureAwait(false));
}
