namespace Coach.Llm;

/// <summary>For whom a chat pipeline was built.</summary>
public sealed record ChatPipelineContext
{
    internal ChatPipelineContext(
        CallerContext caller, RunMode mode, string conversationId, IServiceProvider services) =>
        (Caller, Mode, ConversationId, Services) = (caller, mode, conversationId, services);

    /// <summary>
    /// Who asks. Below <see cref="ChatStage.Usage"/> it is the session alone, whose client serves all its
    /// conversations.
    /// </summary>
    public CallerContext Caller { get; }

    /// <summary>
    /// Real with the session's own keys, or mock. It was chosen once and does not change while the pipeline lives.
    /// </summary>
    public RunMode Mode { get; }

    /// <summary>
    /// The conversation; <see cref="ChatPipelineFactory.DefaultConversation"/> unless the caller named one.
    /// </summary>
    public string ConversationId { get; }

    /// <summary>The turn of the conversation, from 1, that this question is asked in place of; null: it is a new
    /// one.</summary>
    public int? ReplacedTurn { get; internal init; }

    /// <summary>The provider of an attempt; empty above <see cref="ChatStage.Usage"/>.</summary>
    public string Provider { get; internal init; } = "";

    /// <summary>
    /// The providers that may be asked, the preferred one first; empty in mock mode and below
    /// <see cref="ChatStage.Usage"/>.
    /// </summary>
    public IReadOnlyList<string> Providers { get; internal init; } = [];

    /// <summary>Whether the keys are the host's own, which it chose to lend, and not the session's.</summary>
    public bool IsHostPaid { get; internal init; }

    /// <summary>The host's services.</summary>
    public IServiceProvider Services { get; }
}
