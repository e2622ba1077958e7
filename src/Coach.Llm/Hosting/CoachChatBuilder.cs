using Coach.Llm.Pipeline;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coach.Llm;

/// <summary>
/// Puts guards, tools, a system prompt and stages of the host's own into the pipeline that answers a question.
/// </summary>
public sealed class CoachChatBuilder
{
    internal CoachChatBuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Adds a client of the host's, outside all stages.</summary>
    /// <param name="wrap">Wraps the pipeline for one question; what it returns need not dispose what it wraps.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="wrap"/> is null.</exception>
    public CoachChatBuilder Use(Func<IChatClient, ChatPipelineContext, IChatClient> wrap) =>
        Use(ChatStage.History, ChatStagePlace.Before, wrap);

    /// <summary>Adds a client of the host's at a named place.</summary>
    /// <param name="stage">The stage it stands at.</param>
    /// <param name="place">Before, within or after it. The first one registered for a place stands outside.</param>
    /// <param name="wrap">
    /// Wraps the inner client. Above <see cref="ChatStage.SessionLimits"/> it is called for each question (stages up to
    /// <see cref="ChatStage.Fallback"/>) or each provider of one (<see cref="ChatStage.Usage"/>); below it once for
    /// each session's client. Give the client back to add nothing.
    /// </param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place: the built-in fallback, limits and provider
    /// are not replaced.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="wrap"/> is null.</exception>
    public CoachChatBuilder Use(
        ChatStage stage, ChatStagePlace place, Func<IChatClient, ChatPipelineContext, IChatClient> wrap)
    {
        ArgumentNullException.ThrowIfNull(wrap);
        if (!IsOpen(stage, place))
        {
            throw new ArgumentOutOfRangeException(
                nameof(place), place,
                $"Nothing can stand {place} {stage}. Stand before it, or at the stage below (Usage stands after Fallback).");
        }

        Services.AddSingleton(new ChatStageRegistration(stage, place, wrap));
        return this;
    }

    // Behind the fallback stands each attempt's usage, and behind the provider's client the provider.
    private static bool IsOpen(ChatStage stage, ChatStagePlace place) => (stage, place) switch
    {
        _ when !Enum.IsDefined(stage) || !Enum.IsDefined(place) => false,
        (ChatStage.Fallback or ChatStage.Provider, _) => place == ChatStagePlace.Before,
        (ChatStage.SessionLimits, _) => place != ChatStagePlace.Within,
        _ => true,
    };

    /// <summary>Adds a guard, asked after those registered before it.</summary>
    /// <typeparam name="TGuard">Its type, made once from the host's services.</typeparam>
    /// <returns>This builder.</returns>
    public CoachChatBuilder WithGuard<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(
        System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] TGuard>()
        where TGuard : class, IChatGuard
    {
        Services.TryAddEnumerable(ServiceDescriptor.Singleton<IChatGuard, TGuard>());
        return this;
    }

    /// <summary>Offers a tool to every caller's model.</summary>
    /// <param name="tool">The tool; an <see cref="AIFunction"/> is run here when the model calls it.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="tool"/> is null.</exception>
    public CoachChatBuilder WithTool(AITool tool)
    {
        ArgumentNullException.ThrowIfNull(tool);
        return WithTools(_ => [tool]);
    }

    /// <summary>Offers tools by who asks.</summary>
    /// <param name="tools">Gives a caller's tools, for each question; none are offered by the mock.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="tools"/> is null.</exception>
    public CoachChatBuilder WithTools(Func<ChatPipelineContext, IEnumerable<AITool>> tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        Services.AddSingleton(new ChatToolSource(tools));
        return this;
    }

    /// <summary>Says what the model is told before everything else. The last one registered holds.</summary>
    /// <param name="prompt">Gives the text for a caller; null or empty for none.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="prompt"/> is null.</exception>
    public CoachChatBuilder UseSystemPrompt(Func<ChatPipelineContext, string?> prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        Services.Replace(ServiceDescriptor.Singleton(new SystemPromptSource(prompt)));
        return this;
    }

    /// <summary>Keeps conversations elsewhere than in this process's memory.</summary>
    /// <param name="create">Makes the store.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachChatBuilder UseHistoryStore(Func<IServiceProvider, IChatHistoryStore> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton(create));
        return this;
    }
}
