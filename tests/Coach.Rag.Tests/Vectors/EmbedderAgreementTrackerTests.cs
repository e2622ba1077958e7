using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Vectors;

public sealed class EmbedderAgreementTrackerTests
{
    [Fact]
    public void Trust_NothingObserved_IsFull() => Assert.Equal(1, new EmbedderAgreementTracker().Trust);

    [Theory]
    [InlineData(0.05, 0)]
    [InlineData(0.1, 0)]
    [InlineData(0.6, 1)]
    [InlineData(1, 1)]
    public void Trust_ManyQuestions_FollowsTheShareAboveChance(double share, float expected)
    {
        var tracker = new EmbedderAgreementTracker();
        for (int i = 0; i < 1000; i++)
        {
            tracker.Observe(share, 0.05);
        }

        Assert.Equal(expected, tracker.Trust);
    }

    [Fact]
    public void Trust_OneQuestionByChance_IsMostlyGone()
    {
        var tracker = new EmbedderAgreementTracker();
        tracker.Observe(0, 0.05);
        Assert.InRange(tracker.Trust, 0, 0.1f);
    }

    [Fact]
    public void Trust_SoFewPassagesThatChanceAgrees_StaysAsItIs()
    {
        var tracker = new EmbedderAgreementTracker();
        tracker.Observe(0, 0.9);
        Assert.Equal(1, tracker.Trust);
    }

    [Fact]
    public void Trust_AnEncoderThatRecovers_ComesBack()
    {
        var tracker = new EmbedderAgreementTracker();
        for (int i = 0; i < 2000; i++)
        {
            tracker.Observe(i < 1000 ? 0 : 0.8, 0.05);
        }

        Assert.Equal(1, tracker.Trust);
    }
}
