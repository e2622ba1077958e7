using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Pipeline;

/// <summary>The tools of a caller.</summary>
internal sealed record ChatToolSource(Func<ChatPipelineContext, IEnumerable<AITool>> Tools);

/// <summary>What a caller's model is told before everything else.</summary>
internal sealed record SystemPromptSource(Func<ChatPipelineContext, string?> Prompt);

/// <summary>The stages that Coach.Llm brings itself; each gives the client back where it has nothing to do.</summary>
internal static class BuiltInStages
{
    public static IEnumerable<ChatStageRegistration> All =>
    [
        new(ChatStage.History, ChatStagePlace.Within, History),
        new(ChatStage.Guards, ChatStagePlace.Within, Guards),
        new(ChatStage.Tools, ChatStagePlace.Within, Tools),
        new(ChatStage.Tools, ChatStagePlace.Before, SystemPrompt),
        new(ChatStage.Budget, ChatStagePlace.Before, Reducer),
    ];

    private static HistoryChatClient History(IChatClient client, ChatPipelineContext context) => new(
        client,
        context.Services.GetRequiredService<IChatHistoryStore>(),
        context,
        context.Services.GetRequiredService<IOptions<CoachLlmOptions>>().Value.History,
        context.Services.GetService<ILoggerFactory>()?.CreateLogger("Coach.Llm") ?? (ILogger)NullLogger.Instance);

    private static IChatClient Guards(IChatClient client, ChatPipelineContext context)
    {
        IChatGuard[] guards = [.. context.Services.GetServices<IChatGuard>()];
        return guards.Length == 0 ? client : new GuardedChatClient(client, guards, context);
    }

    private static IChatClient SystemPrompt(IChatClient client, ChatPipelineContext context)
    {
        string? prompt = context.Services.GetService<SystemPromptSource>()?.Prompt(context);
        return string.IsNullOrEmpty(prompt) ? client : new SystemPromptChatClient(client, prompt);
    }

    private static IChatClient Reducer(IChatClient client, ChatPipelineContext context) =>
        context.Mode == RunMode.Real && context.Services.GetService<IChatReducer>() is { } reducer
            ? new ShorteningChatClient(
                client, reducer, context.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Coach.Llm"))
            : client;

    private static IChatClient Tools(IChatClient client, ChatPipelineContext context)
    {
        if (context.Mode == RunMode.Mock)
        {
            return client;
        }

        AITool[] tools =
            [.. context.Services.GetServices<ChatToolSource>().SelectMany(source => source.Tools(context))];
        return tools.Length == 0 ? client : new ChatClientBuilder(client)
            .ConfigureOptions(options => options.Tools = [.. options.Tools ?? [], .. tools])
            .UseFunctionInvocation(context.Services.GetService<ILoggerFactory>())
            .Build(context.Services);
    }
}
