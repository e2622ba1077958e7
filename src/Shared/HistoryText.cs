using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach;

/// <summary>What stores of conversations measure and show: the length of a message, and the title of a
/// conversation.</summary>
internal static class HistoryText
{
    /// <summary>How much of a conversation's bound a message takes, in characters.</summary>
    public static int Length(ChatMessage message) => message.Contents.Sum(Length);

    /// <summary>The first characters of a question, on one line.</summary>
    public static string Title(string text)
    {
        string line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        int length = Math.Min(line.Length, ConversationInfo.MaxTitleLength);
        return length < line.Length && char.IsHighSurrogate(line[length - 1])
            ? line[..(length - 1)]
            : line[..length];
    }

    private static int Length(AIContent content) => OwnLength(content)
        + (content.Annotations?.OfType<CitationAnnotation>().Sum(citation => citation.Snippet?.Length ?? 0) ?? 0);

    private static int OwnLength(AIContent content) => content switch
    {
        TextContent text => text.Text.Length,
        TextReasoningContent reasoning => reasoning.Text.Length + (reasoning.ProtectedData?.Length ?? 0),
        DataContent data => data.Data.Length,
        FunctionCallContent call => call.Name.Length + (call.Arguments?.Sum(Length) ?? 0),
        FunctionResultContent result => Length(result.Result),
        _ => 0,
    };

    private static int Length(KeyValuePair<string, object?> argument) =>
        argument.Key.Length + Length(argument.Value);

    private static int Length(object? value) => value?.ToString()?.Length ?? 0;
}
