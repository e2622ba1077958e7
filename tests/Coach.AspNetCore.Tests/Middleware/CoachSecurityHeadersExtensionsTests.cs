using Coach.Prometheus.Tests;
using Microsoft.AspNetCore.Builder;

namespace Coach.AspNetCore.Tests.Middleware;

public sealed class CoachSecurityHeadersExtensionsTests
{
    [Fact]
    public async Task UseCoachSecurityHeaders_WithOtherValues_AnswersWithThem()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(map: app => app.UseCoachSecurityHeaders(o =>
        {
            o.ContentSecurityPolicy = "default-src 'none'";
            o.ReferrerPolicy = "same-origin";
            o.PermissionsPolicy = "fullscreen=()";
        }));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/livez");
        Assert.Equal("default-src 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("fullscreen=()", Assert.Single(response.Headers.GetValues("Permissions-Policy")));
    }
}
