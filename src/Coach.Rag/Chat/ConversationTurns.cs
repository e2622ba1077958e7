using System.Text.Json;
using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Chat;

/// <summary>Reads the turns of a conversation: questions, and what their answers cited.</summary>
internal static class ConversationTurns
{
    private const int MaxTurns = 4;
    private const int MaxQuestion = 2_000;

    /// <summary>The last turns before a message, oldest first.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="last">The position of the question.</param>
    public static List<EarlierTurn> Before(List<ChatMessage> messages, int last)
    {
        var turns = new List<EarlierTurn>();
        var cited = new List<GroundingPassage>();
        for (int i = last - 1; i >= 0 && turns.Count < MaxTurns; i--)
        {
            ChatMessage message = messages[i];
            if (message.Role == ChatRole.Assistant)
            {
                cited.InsertRange(0, CitedIn(message));
            }
            else if (message.Role == ChatRole.User && QuestionOf(message) is { Length: > 0 } question)
            {
                turns.Insert(0, new EarlierTurn(question) { Cited = [.. cited] });
                cited.Clear();
            }
        }

        return turns;
    }

    // Passages that were put before it are no words of the user's.
    private static string QuestionOf(ChatMessage message)
    {
        string question = string.Concat(message.Contents.OfType<TextContent>()
            .Where(text => text.AdditionalProperties?.ContainsKey(GroundingPassage.PropertyName) is not true)
            .Select(text => text.Text)).Trim();
        return question.Length > MaxQuestion ? question[..MaxQuestion] : question;
    }

    // As RagChatClient wrote them, or as they came back from a store of conversations.
    private static IEnumerable<GroundingPassage> CitedIn(ChatMessage message) => message.Contents
        .SelectMany(content => content.Annotations ?? [])
        .OfType<CitationAnnotation>()
        .Where(annotation => annotation.AnnotatedRegions is { Count: > 0 })
        .Select((annotation, i) => new GroundingPassage(
            i + 1, annotation.Title ?? "", HeadingOf(annotation), annotation.Snippet ?? ""));

    private static string HeadingOf(CitationAnnotation annotation)
    {
        object? heading = null;
        annotation.AdditionalProperties?.TryGetValue("heading", out heading);
        return heading switch
        {
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } element => element.GetString() ?? "",
            _ => "",
        };
    }
}
