using Coach.AspNetCore.Diagnostics;
using Coach.Testing;

namespace Coach.AspNetCore.Tests.Diagnostics;

public sealed class RepeatedFailuresTests
{
    [Fact]
    public void IsNews_ManyOfOneKind_PassesTenAMinuteOfEach()
    {
        var clock = new VirtualClock();
        var failures = new RepeatedFailures(clock);
        Assert.Equal(10, Enumerable.Range(0, 1000).Count(_ => failures.IsNews("IOException")));
        Assert.True(failures.IsNews("TimeoutException"));
        clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1));
        Assert.False(failures.IsNews("IOException"));
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(10, Enumerable.Range(0, 1000).Count(_ => failures.IsNews("IOException")));
    }
}
