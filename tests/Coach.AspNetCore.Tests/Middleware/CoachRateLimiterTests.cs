using System.Net;
using Coach.AspNetCore.Middleware;

namespace Coach.AspNetCore.Tests.Middleware;

public sealed class CoachRateLimiterTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff::", "2001:db8:1:2::")]
    public void Network_OfAnAddress_IsWhatOneVisitorHas(string address, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), CoachRateLimiter.Network(IPAddress.Parse(address)));

    [Fact]
    public void Network_OfNoAddress_IsNone() => Assert.Null(CoachRateLimiter.Network(null));
}
