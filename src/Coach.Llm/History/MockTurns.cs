using Microsoft.Extensions.AI;

namespace Coach.Llm.History;

/// <summary>The mark on what a mock was asked and said: no model's words, and free for anybody to have said.</summary>
internal static class MockTurns
{
    private const string Property = "coach.mock";

    public static bool IsMarked(ChatMessage message) => message.AdditionalProperties?.ContainsKey(Property) == true;

    public static void Mark(ChatMessage message) =>
        message.AdditionalProperties = new AdditionalPropertiesDictionary(message.AdditionalProperties ?? [])
        {
            [Property] = true,
        };
}
