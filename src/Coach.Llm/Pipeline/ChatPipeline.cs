using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// One caller's way to a model for one question, with all stages. Dispose it after the answer: that ends its leases.
/// </summary>
public sealed class ChatPipeline : IDisposable
{
    private readonly FallbackChatClient? _own;

    internal ChatPipeline(IChatClient client, ChatPipelineContext context, FallbackChatClient? own) =>
        (Client, Context, _own) = (client, context, own);

    /// <summary>
    /// The outermost stage. The session's clients and the mock belong to the host: disposing this pipeline leaves them
    /// alone.
    /// </summary>
    public IChatClient Client { get; }

    /// <summary>For whom it was built, and in which mode it answers.</summary>
    public ChatPipelineContext Context { get; }

    /// <summary>Ends the leases of the session's clients.</summary>
    public void Dispose() => _own?.Dispose();
}
