using System.Net;
using System.Threading.RateLimiting;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Middleware;
using Coach.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Middleware;

public sealed class CoachRateLimiterTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff::", "2001:db8:1:2::")]
    public void Network_OfAnAddress_IsWhatOneVisitorHas(string address, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), ClientNetwork.Of(IPAddress.Parse(address)));

    [Fact]
    public void Network_OfNoAddress_IsNone() => Assert.Null(ClientNetwork.Of(null));

    [Fact]
    public void Address_OverItsBurst_WaitsByItsRate()
    {
        PartitionedRateLimiter<HttpContext> limiter = Limiter(
            new CoachRateLimitOptions { AddressBurst = 2, AddressPerMinute = 6 });
        Assert.Equal([null, null, TimeSpan.FromSeconds(10)], Waits(limiter, 3, Request("192.0.2.7", session: null)));
        Assert.Equal([null], Waits(limiter, 1, Request("192.0.2.8", session: null)));
    }

    [Fact]
    public void Session_OverItsBurst_WaitsByItsRateWhileOthersGoOn()
    {
        PartitionedRateLimiter<HttpContext> limiter = Limiter(
            new CoachRateLimitOptions { SessionBurst = 3, SessionPerMinute = 2 });
        Assert.Equal(
            [null, null, null, TimeSpan.FromSeconds(30)], Waits(limiter, 4, Request("192.0.2.7", session: "one")));
        Assert.Equal([null], Waits(limiter, 1, Request("192.0.2.7", session: "two")));
    }

    [Fact]
    public void Request_ForAnEndpointOfTheHost_IsNotLimited()
    {
        PartitionedRateLimiter<HttpContext> limiter = Limiter(new CoachRateLimitOptions { AddressBurst = 1 });
        HttpContext request = Request("192.0.2.7", session: null);
        request.SetEndpoint(null);
        Assert.Equal([null, null, null], Waits(limiter, 3, request));
    }

    /// <summary>What passes the check at start is never refused by the store, which would fail every request.</summary>
    [Theory]
    [InlineData("AddressBurst")]
    [InlineData("AddressPerMinute")]
    [InlineData("SessionBurst")]
    [InlineData("SessionPerMinute")]
    public void Limits_TheLargestThatPassTheCheck_LetRequestsThrough(string name)
    {
        System.Reflection.PropertyInfo option = typeof(CoachRateLimitOptions).GetProperty(name)!;
        int largest = new[] { 100_000, 1_000_000, 10_000_000, int.MaxValue }.Last(value => Check(value) is null);
        Assert.NotNull(Check(largest + 1L));
        var limits = new CoachRateLimitOptions();
        option.SetValue(limits, largest);
        Assert.Equal([null, null], Waits(Limiter(limits), 2, Request("192.0.2.7", session: "one")));

        string? Check(long value)
        {
            if (value > int.MaxValue)
            {
                return "too large to be given";
            }

            var options = new CoachRateLimitOptions();
            option.SetValue(options, (int)value);
            return new CoachRateLimitOptionsValidator().Validate(null, options).FailureMessage;
        }
    }

    private static PartitionedRateLimiter<HttpContext> Limiter(CoachRateLimitOptions limits)
    {
        var options = new RateLimiterOptions();
        new CoachRateLimiter(Options.Create(limits), new MemoryRateLimitStore(new VirtualClock())).Configure(options);
        return options.GlobalLimiter!;
    }

    /// <summary>How long each of the calls has to wait; null for one that is let through.</summary>
    private static TimeSpan?[] Waits(PartitionedRateLimiter<HttpContext> limiter, int calls, HttpContext request) =>
    [
        .. Enumerable.Range(0, calls).Select(_ =>
        {
            using RateLimitLease lease = limiter.AcquireAsync(request).AsTask().GetAwaiter().GetResult(); // never waits in memory
            return lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) ? wait : (TimeSpan?)null;
        }),
    ];

    private static HttpContext Request(string address, string? session)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(CoachApiMetadata.Instance), "test"));
        if (session is not null)
        {
            context.Features.Set(new CoachSession(SessionId.From(session), DateTimeOffset.MaxValue));
        }

        return context;
    }
}
