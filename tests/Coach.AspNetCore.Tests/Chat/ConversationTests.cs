using Coach.AspNetCore.Chat;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Tests.Chat;

public sealed class ConversationTests
{
    [Fact]
    public void Add_MoreTurnsThanAllowed_DropsTheOldest()
    {
        var conversation = new Conversation(maxTurns: 2, maxLength: 1_000);
        conversation.Add("one?", "One.");
        conversation.Add("two?", "Two.");
        conversation.Add("three?", "Three.");
        Assert.Equal(["user: two?", "assistant: Two.", "user: three?", "assistant: Three."],
            conversation.Messages().Select(message => $"{message.Role}: {message.Text}"));
    }

    [Theory]
    [InlineData("Noon [1].", "Noon.")]
    [InlineData("Noon [1][12], or later [3, 4].", "Noon, or later.")]
    [InlineData("An array a[i] and [note] stay.", "An array a[i] and [note] stay.")]
    public void Add_Answer_LosesItsCitationNumbers(string answer, string kept)
    {
        var conversation = new Conversation(maxTurns: 1, maxLength: 1_000);
        conversation.Add("when?", answer);
        Assert.Equal(kept, conversation.Messages()[1].Text);
    }

    [Fact]
    public void Add_AnswerWithoutText_IsNotATurn()
    {
        var conversation = new Conversation(maxTurns: 5, maxLength: 1_000);
        conversation.Add("when?", "");
        conversation.Add("when?", "[1]");
        Assert.Empty(conversation.Messages());
    }

    [Fact]
    public void Add_AnyTurns_StaysWithinBothLimitsAndKeepsTheNewest() =>
        Prop.ForAll<(PositiveInt Turns, PositiveInt Length, string[] Texts)>(input =>
    {
        int maxTurns = input.Turns.Get % 10;
        int maxLength = input.Length.Get % 200;
        var conversation = new Conversation(maxTurns, maxLength);
        string[] texts = [.. input.Texts.Where(text => text is { Length: > 0 } && !text.Contains('['))];
        foreach (string text in texts)
        {
            conversation.Add("q", text);
        }

        List<ChatMessage> messages = conversation.Messages();
        string[] kept =
        [
            .. messages.Where(message => message.Role == ChatRole.Assistant).Select(message => message.Text),
        ];
        return kept.Length <= maxTurns
            && messages.Sum(message => message.Text.Length) <= maxLength
            && kept.SequenceEqual(texts.TakeLast(kept.Length))
            && (kept.Length == Math.Min(maxTurns, texts.Length) || texts.TakeLast(kept.Length + 1)
            .Sum(text => text.Length + 1) > maxLength);
    }).QuickCheckThrowOnFailure();
}
