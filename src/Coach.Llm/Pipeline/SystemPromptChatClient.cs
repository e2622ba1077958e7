using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>Puts the host's prompt before everything else.</summary>
internal sealed class SystemPromptChatClient(IChatClient inner, string prompt) : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        base.GetResponseAsync(WithPrompt(messages), options, cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        base.GetStreamingResponseAsync(WithPrompt(messages), options, cancellationToken);

    private IEnumerable<ChatMessage> WithPrompt(IEnumerable<ChatMessage> messages) =>
        messages.Prepend(new ChatMessage(ChatRole.System, prompt));
}
