using Coach.Abstractions;
using Coach.Rag.Search;

namespace Coach.Rag.Tests.Search;

public sealed class FollowUpQuestionTests
{
    [Theory]
    [InlineData("How do I install the server on Linux?", "and on Windows?", "install server on Windows?")]
    [InlineData("How do I install the server on Linux?", "What about Windows?", "install server Linux Windows?")]
    [InlineData("How do I install the server on Linux?", "And with Docker?", "install server Linux with Docker?")]
    [InlineData("How do I install the server on Linux?", "How much memory does it need?", "install server Linux How much memory does it need?")]
    [InlineData("How do I install the server on Linux?", "why?", "install server Linux why?")]
    [InlineData("How do I install the server on Linux?", "Windows?", "install server Linux Windows?")]
    [InlineData("How do I install the server on Linux?", "Is that safe?", "install server Linux Is that safe?")]
    [InlineData("How do I install the server on Linux?", "Which ports does that one open?", "install server Linux Which ports does that one open?")]
    [InlineData("Wie sichere ich die Datenbank?", "Und wie oft?", "sichere Datenbank wie oft?")]
    [InlineData("Wie sichere ich die Datenbank?", "Wie lange dauert es?", "sichere Datenbank Wie lange dauert es?")]
    [InlineData("Comment sauvegarder la base ?", "et pour la restaurer ?", "sauvegarder base la restaurer ?")]
    [InlineData("如何备份数据库？", "那恢复呢？", "如何备份数据库 那恢复呢？")]
    [InlineData("バックアップの方法は何ですか？", "それはいくらですか？", "バックアップの方法は何ですか それはいくらですか？")]
    public void Read_AFollowUp_TakesOverWhatItLeavesOut(string before, string question, string completed) =>
        Assert.Equal(completed, FollowUpQuestion.Read(question, [new EarlierTurn(before)])?.Completed);

    [Theory]
    [InlineData("What is the refund policy?")]
    [InlineData("How do I restore a backup of the database?")]
    [InlineData("Is it possible to restore a backup?")]
    [InlineData("What time is it?")]
    [InlineData("Are there limits on uploads?")]
    [InlineData("Should I use MySQL instead of PostgreSQL?")]
    [InlineData("Is there a way that a deleted account comes back?")]
    [InlineData("Welche Zahlungsarten gibt es?")]
    [InlineData("Können Sie mir die Öffnungszeiten nennen?")]
    [InlineData("Qué es la facturación mensual?")]
    [InlineData("退款政策是什么？")]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("???")]
    public void Read_AQuestionThatStandsByItself_IsLeftAlone(string question) =>
        Assert.Null(FollowUpQuestion.Read(question, [new EarlierTurn("How do I install the server on Linux?")]));

    [Fact]
    public void Read_AfterAnotherFollowUp_GoesBackToTheTopic()
    {
        EarlierTurn[] turns = [new("What does a backup cost?"), new("How do I install the server on Linux?"), new("and on Windows?"), new("and in Docker?")];
        Assert.Equal("install server Windows Docker behind a proxy?", FollowUpQuestion.Read("and behind a proxy?", turns)!.Completed);
    }

    [Fact]
    public void Read_TheQuestionBeforeNamesNoTopic_TakesTheHeadingOfWhatWasCited()
    {
        var turn = new EarlierTurn("How does this work?") { Cited = [new GroundingPassage(1, "a.md", "Guide › Key rotation", "Keys are rotated.")] };
        Assert.Equal("Key rotation how often?", FollowUpQuestion.Read("and how often?", [turn])!.Completed);
    }

    [Fact]
    public void Read_WithoutAnythingBefore_IsLeftAlone()
    {
        Assert.Null(FollowUpQuestion.Read("and on Windows?", []));
        Assert.Null(FollowUpQuestion.Read("and on Windows?", [new EarlierTurn("why?")]));
    }

    [Fact]
    public void Read_ALongConversation_TakesABoundedNumberOfWords()
    {
        string words = string.Join(' ', Enumerable.Range(0, 5_000).Select(n => $"word{n}"));
        FollowUp followUp = FollowUpQuestion.Read("and why?", [new EarlierTurn(words)])!;
        Assert.Equal(24, followUp.Context.Count);
    }
}
