using Coach.Abstractions;
using Coach.AspNetCore.Chat;
using Coach.Testing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Chat;

public sealed class ConversationStoreTests
{
    [Fact]
    public void Get_AfterTheIdleTime_StartsAnew()
    {
        var clock = new VirtualClock();
        var conversations = new ConversationStore(
            Options.Create(new CoachChatOptions { HistoryLifetime = TimeSpan.FromMinutes(10) }), clock);
        var session = SessionId.From("s1");
        conversations.Get(session).Add("q", "a");
        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(2, conversations.Get(session).Messages().Count);
        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(2, conversations.Get(session).Messages().Count);
        clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Empty(conversations.Get(session).Messages());
    }

    [Fact]
    public void Get_MoreSessionsThanAllowed_KeepsNoMoreThanThat()
    {
        var conversations = new ConversationStore(
            Options.Create(new CoachChatOptions { MaxConversations = 10 }), new VirtualClock());
        for (int i = 0; i < 1_000; i++)
        {
            conversations.Get(SessionId.From($"session-{i}")).Add("q", "a");
        }

        Assert.InRange(conversations.Count, 1, 10);
    }

    [Fact]
    public void Remove_WhileAnAnswerRuns_DoesNotBringTheConversationBack()
    {
        var conversations = new ConversationStore(Options.Create(new CoachChatOptions()), new VirtualClock());
        var session = SessionId.From("s1");
        Conversation running = conversations.Get(session);
        conversations.Remove(session);
        running.Add("q", "a");
        Assert.Empty(conversations.Get(session).Messages());
    }

    [Fact]
    public void Get_ANewConversation_KeepsWhatTheOptionsAllow()
    {
        var options = new CoachChatOptions { HistoryTurns = 2, MaxHistoryLength = 20 };
        var conversations = new ConversationStore(Options.Create(options), new VirtualClock());
        Conversation conversation = conversations.Get(SessionId.From("s1"));
        conversation.Add("one?", "One.");
        conversation.Add("two?", "Two.");
        conversation.Add("three?", "Three.");
        Assert.Equal(["two?", "Two.", "three?", "Three."], conversation.Messages().Select(message => message.Text));
        conversation.Add("and four?", "Four it is.");
        Assert.Equal(["and four?", "Four it is."], conversation.Messages().Select(message => message.Text));
    }
}
