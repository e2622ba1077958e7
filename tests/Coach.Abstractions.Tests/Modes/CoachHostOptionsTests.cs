namespace Coach.Abstractions.Tests.Modes;

public sealed class CoachHostOptionsTests
{
    [Theory]
    [InlineData(HostMode.Auto, true, RunMode.Real)]
    [InlineData(HostMode.Auto, false, RunMode.Mock)]
    [InlineData(HostMode.Mock, true, RunMode.Mock)]
    [InlineData(HostMode.Mock, false, RunMode.Mock)]
    [InlineData(HostMode.Real, true, RunMode.Real)]
    [InlineData(HostMode.Real, false, RunMode.Real)]
    public void ModeOf_EveryCombination_NeverTurnsRealIntoMock(HostMode mode, bool hasKey, RunMode expected) =>
        Assert.Equal(expected, new CoachHostOptions { Mode = mode }.ModeOf(hasKey));
}
