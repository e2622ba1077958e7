using Coach.Prometheus.Hosting;

namespace Coach.Prometheus.Tests.Hosting;

public sealed class ContentCodingTests
{
    [Theory]
    [InlineData(null, "Identity")]
    [InlineData("", "Identity")]
    [InlineData("gzip", "Gzip")]
    [InlineData("x-gzip", "Gzip")]
    [InlineData("GZIP, br", "Gzip")]
    [InlineData("  deflate , gzip ; q=1.0 ", "Gzip")]
    [InlineData("gzip, deflate, br, zstd", "Gzip")]
    [InlineData("*", "Gzip")]
    [InlineData("*;q=0.1", "Gzip")]
    [InlineData("br, deflate", "Identity")]
    [InlineData("gzip;q=0", "Identity")]
    [InlineData("gzip;q=0.0", "Identity")]
    [InlineData("gzip;Q=0.000", "Identity")]
    [InlineData("gzip;q=0, *", "Identity")]
    [InlineData("gzip;q=0.5, identity;q=0.9", "Identity")]
    [InlineData("gzip;q=0.5, *;q=0.9", "Identity")]
    [InlineData("gzip;q=0.5, identity;q=0.5", "Gzip")]
    [InlineData("identity;q=0, gzip;q=0.1", "Gzip")]
    [InlineData("identity;q=0, *;q=0.5", "Gzip")]
    [InlineData("identity", "Identity")]
    [InlineData("identity, *;q=0", "Identity")]
    [InlineData("identity;q=0", "None")]
    [InlineData("*;q=0", "None")]
    [InlineData("gzip;q=0, identity;q=0", "None")]
    [InlineData("gzip;q=abc", "Identity")]
    public void Choose_ByHeader_FollowsTheWeights(string? header, string expected) =>
        Assert.Equal(expected, CodingNegotiation.Choose(header).ToString());
}
