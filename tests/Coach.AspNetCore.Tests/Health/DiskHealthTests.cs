using Coach.Abstractions;
using Coach.AspNetCore.Health;
using Coach.Rag;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Health;

public sealed class DiskHealthTests
{
    [Theory]
    [InlineData(DiskHealth.Low, ComponentState.Healthy, "256 MB are left for the index.")]
    [InlineData(DiskHealth.Low - 1, ComponentState.Degraded, "255 MB are left for the index; documents that change may not be kept. Make room.")]
    public async Task CheckAsync_AtTheLimit_IsDegradedBelowIt(long free, ComponentState state, string text)
    {
        var health = new DiskHealth(Options.Create(new CoachRagOptions { IndexFile = "/somewhere/a.coach" }), _ => free);
        Assert.Equal(new ComponentReport(state, text), await health.CheckAsync());
    }

    [Fact]
    public async Task CheckAsync_NoIndexFile_IsHealthy() => Assert.Equal(
        new ComponentReport(ComponentState.Healthy, "The index is kept in memory."),
        await new DiskHealth(Options.Create(new CoachRagOptions())).CheckAsync());

    [Fact]
    public async Task CheckAsync_ADiskThatDoesNotAnswer_IsDegraded()
    {
        var health = new DiskHealth(
            Options.Create(new CoachRagOptions { IndexFile = "a.coach" }), _ => throw new IOException("gone"));
        Assert.Equal(ComponentState.Degraded, (await health.CheckAsync()).State);
    }

    [Fact]
    public async Task CheckAsync_AFolderThatIsNotMadeYet_LooksAtItsParents()
    {
        using var folder = new TempFolder();
        var health = new DiskHealth(Options.Create(new CoachRagOptions { IndexFile = folder.File("a/b/c.coach") }));
        Assert.Contains("MB are left for the index", (await health.CheckAsync()).Description, StringComparison.Ordinal);
    }
}
