namespace Coach.Abstractions.Tests.Shared;

public class BackoffTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(5, 32)]
    [InlineData(6, 60)]
    [InlineData(5000, 60)]
    public void Wait_WithoutJitter_DoublesUpToTheLongest(int attempt, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)).Wait(attempt));

    [Theory]
    [InlineData(0, 0.0, 0.5)]
    [InlineData(0, 0.5, 1.0)]
    [InlineData(1, 0.75, 2.5)]
    [InlineData(9, 0.0, 30)]
    [InlineData(9, 0.99, 60)]
    public void Wait_WithJitter_IsSpreadAndNeverPassesTheLongest(int attempt, double random, double seconds) => Assert.Equal(
        TimeSpan.FromSeconds(seconds), new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60), () => random, 0.5, 1.5).Wait(attempt));

    [Fact]
    public void Wait_NoFirstWait_IsNone() => Assert.Equal(TimeSpan.Zero, new Backoff(TimeSpan.Zero, TimeSpan.FromSeconds(60)).Wait(8));
}
