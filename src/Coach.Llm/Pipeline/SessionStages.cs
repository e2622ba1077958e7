using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// The part of the pipeline below the fallback: what stands round each attempt, and what a session's own client
/// carries.
/// </summary>
/// <remarks>
/// A session's client is made once and serves many questions. What stands above its limits is put round it a question
/// and knows the caller; what stands below is part of it and knows the session.
/// </remarks>
internal sealed class SessionStages(IEnumerable<ChatStageRegistration> stages, IServiceProvider services)
{
    private readonly ChatStageRegistration[] _stages = [.. stages.Where(AreBelowLimits)];

    public static bool AreAboveLimits(ChatStageRegistration stage) =>
        stage.Stage == ChatStage.Usage || stage is { Stage: ChatStage.SessionLimits, Place: ChatStagePlace.Before };

    /// <summary>Wraps a session's client, inside its limits and outside its retries.</summary>
    public IChatClient Wrap(IChatClient client, string provider, SessionId session)
    {
        if (_stages.Length == 0)
        {
            return client;
        }

        var context = new ChatPipelineContext(
            new CallerContext(session), RunMode.Real, ChatPipelineFactory.DefaultConversation, services)
        { Provider = provider };
        return ChatStageRegistration.Build(client, context, _stages, _ => true);
    }

    private static bool AreBelowLimits(ChatStageRegistration stage) =>
        stage is { Stage: ChatStage.SessionLimits, Place: ChatStagePlace.After } or { Stage: ChatStage.Provider };
}
