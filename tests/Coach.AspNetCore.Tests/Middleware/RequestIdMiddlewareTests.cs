using Coach.Prometheus.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Middleware;

public sealed class RequestIdMiddlewareTests
{
    [Theory]
    [InlineData("abc-123_x.Y", true)]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", true)]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234", false)]
    [InlineData("a b", false)]
    [InlineData("a\"b", false)]
    [InlineData("<script>", false)]
    [InlineData("one,two", false)]
    [InlineData("../../etc/passwd", false)]
    [InlineData("%0d%0aSet-Cookie:x=1", false)]
    [InlineData("${jndi:ldap://x}", false)]
    [InlineData("d\u00e9j\u00e0", false)]
    [InlineData("AIza" + "SyD-1234567890abcdefghijklmnopqrstuv", false)]
    [InlineData("sk-" + "ant-" + "api03-abcdefghijklmnop", false)]
    public async Task RequestId_FromTheCaller_IsTakenOverWhenHarmless(string asked, bool isTaken)
    {
        await using MetricsHost host = await ObservedHost.StartAsync(
            map: app => app.MapGet("/id", (HttpContext context) => context.TraceIdentifier));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/id", ("X-Request-ID", asked));
        string answered = response.Headers.GetValues("X-Request-ID").Single();
        Assert.Equal(isTaken, answered == asked);
        Assert.Equal(answered, await response.Content.ReadAsStringAsync());
        Assert.Matches("^[A-Za-z0-9._-]{1,64}$", answered);
    }

    [Fact]
    public async Task RequestId_SentTwice_IsReplaced()
    {
        await using MetricsHost host = await ObservedHost.StartAsync();
        using HttpResponseMessage response = await host.SendAsync(
            HttpMethod.Get, "/livez", ("X-Request-ID", "one"), ("X-Request-ID", "two"));
        Assert.Matches("^[0-9a-f]{32}$", response.Headers.GetValues("X-Request-ID").Single());
    }

    [Fact]
    public async Task RequestId_WithoutOne_IsMadeAndUnique()
    {
        await using MetricsHost host = await ObservedHost.StartAsync();
        var ids = new HashSet<string>();
        for (int i = 0; i < 50; i++)
        {
            using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/livez");
            Assert.True(ids.Add(response.Headers.GetValues("X-Request-ID").Single()));
        }
    }

    [Fact]
    public async Task SecurityHeaders_AreOnEveryAnswerAndDoNotReplaceTheEndpointsOwn()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(
            map: app => app.MapGet("/own", (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = "default-src 'none'";
            return "x";
        }));
        using HttpResponseMessage missing = await host.SendAsync(HttpMethod.Get, "/nowhere");
        foreach ((string name, string value) in new[]
        {
            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"), (
                "Cross-Origin-Opener-Policy", "same-origin"),
            ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
        })
        {
            Assert.Equal(value, missing.Headers.GetValues(name).Single());
        }

        using HttpResponseMessage own = await host.SendAsync(HttpMethod.Get, "/own");
        Assert.Equal("default-src 'none'", own.Headers.GetValues("Content-Security-Policy").Single());
    }
}
