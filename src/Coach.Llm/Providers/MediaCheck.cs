using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// Refuses pictures, sounds and files that the provider does not take, or that are too large, before anything is sent.
/// </summary>
internal static class MediaCheck
{
    /// <exception cref="LlmException"><see cref="LlmError.RequestRejected"/>.</exception>
    public static void Check(ChatProtocol protocol, IReadOnlyList<ChatMessage> messages, int maxBytes)
    {
        long total = 0;
        for (int i = 0; i < messages.Count; i++)
        {
            IList<AIContent> contents = messages[i].Contents;
            for (int j = 0; j < contents.Count; j++)
            {
                string? type = contents[j] switch
                {
                    DataContent data => data.MediaType,
                    UriContent uri => uri.MediaType,
                    _ => null,
                };
                if (type is null)
                {
                    continue;
                }

                if (!protocol.Accepts(type))
                {
                    throw LlmException.UnsupportedMedia(protocol.Provider, type);
                }

                total += contents[j] is DataContent inline ? inline.Data.Length : 0;
                if (total > maxBytes)
                {
                    throw LlmException.MediaTooLarge(protocol.Provider, maxBytes);
                }
            }
        }
    }
}
