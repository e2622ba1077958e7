namespace Coach.Abstractions.Tests.Shared;

public class JitterSourceTests
{
    [Fact]
    public void Next_ASourceThatIsGiven_IsTheOneThatIsUsed()
    {
        var expected = new Random(7);
        var jitter = new JitterSource(new Random(7));
        Assert.Equal(expected.NextDouble(), jitter.Next());
        Assert.Equal(expected.NextDouble(), jitter.Next());
    }

    [Fact]
    public void Next_ItsOwnSource_StaysBelowOne()
    {
        var jitter = new JitterSource();
        Assert.All(Enumerable.Range(0, 100), _ => Assert.InRange(jitter.Next(), 0, 0.9999999999));
    }
}
