using Coach.Rag.Lsa;

namespace Coach.Rag.Tests.Lsa;

public sealed class LsaFusionWeightTests
{
    [Fact]
    public void Weight_TopicalQuestionThatBothArmsUnderstand_IsTheMost() =>
        Assert.Equal(0.5f, LsaFusionWeight.Weight(1, 1, 0.5f, 9, 120), 1e-6f);

    [Theory]
    [InlineData(1, 0.6f, 0.5f, 9, 120, 0.1f)]       // the space finds BM25's best passage far off
    [InlineData(1, 1, 1, 3, 120, 0.175f)]           // the passage holds every word
    [InlineData(1, 1, 0.5f, 60, 120, 0.1f)]        // a whole text as a question
    [InlineData(1, 1, 0.5f, 9, 10, 0.15f)]          // passages of a few words
    [InlineData(0.5f, 1, 0.5f, 9, 120, 0.25f)]      // half of the question is unknown to the space
    [InlineData(0, 1, 0.5f, 9, 120, 0)]
    public void Weight_AReasonForDoubt_IsLess(float known, float agreement, float coverage, int terms, double averageLength, float expected) =>
        Assert.Equal(expected, LsaFusionWeight.Weight(known, agreement, coverage, terms, averageLength), 1e-6f);
}
