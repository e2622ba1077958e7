using Microsoft.Extensions.Primitives;

namespace Coach.AspNetCore.Tests;

public sealed class AcceptHeaderTests
{
    private const string Text = "text/plain; version=0.0.4; charset=utf-8";
    private const string Text1 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores";
    private const string Open = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    public static TheoryData<string?, string> Headers() => new()
    {
        { null, Text },
        { "", Text },
        { "*/*", Text },
        { "text/*", Text },
        { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text },
        // Prometheus 2.42
        { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Open },
        // Prometheus 3
        { "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", Open + "; escaping=underscores" },
        { "text/plain;version=1.0.0;escaping=allow-utf-8", Text1 },
        { "text/plain;version=1.0.0", Text1 },
        { "application/openmetrics-text", Open },
        { "APPLICATION/OpenMetrics-Text; Version=1.0.0", Open },
        { "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", Open },
        { "application/openmetrics-text;version=2.0.0", Text },
        { "application/openmetrics-text;version=9.9.9,text/plain;q=0.1", Text },
        { "application/openmetrics-text;q=0,*/*;q=0.1", Text },
        { "application/openmetrics-text;q=0", Text },
        { "application/openmetrics-text; q=0.2 , text/plain ; q=0.9", Text },
        { "text/plain;q=0.2,application/openmetrics-text;q=0.9", Open },
        { "text/plain,application/openmetrics-text", Text },
        { "application/openmetrics-text,text/plain", Open },
        { "application/openmetrics-text;version=1.0.0;escaping=values", Open + "; escaping=underscores" },
        { "application/openmetrics-text;q=abc,text/plain;q=0.1", Text },
        { "application/openmetrics-text;q=7", Text },
        { "application/json", Text },
        { ";;;,,,=;q", Text },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task Page_ByAcceptHeader_HasTheNegotiatedContentType(string? accept, string expected)
    {
        await using ObservedHost host = await ObservedHost.StartAsync();
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Head, "/metrics", accept is null ? [] : [("Accept", accept)]);
        Assert.Equal(expected, response.Content.Headers.GetValues("Content-Type").Single());
    }

    [Fact]
    public void Format_OfSeveralHeaderLines_ReadsAll() =>
        Assert.Equal(PageFormat.OpenMetrics100, AcceptHeader.Format(new StringValues(["text/plain;q=0.5", "application/openmetrics-text"])).Format);

    [Fact]
    public void Format_OfAHugeHeader_IsTextWithoutReadingIt() =>
        Assert.Equal(PageFormat.Text004, AcceptHeader.Format(new string(',', 100_000) + "application/openmetrics-text").Format);

    [Theory]
    [InlineData(null, false)]
    [InlineData("gzip", true)]
    [InlineData("x-gzip", true)]
    [InlineData("GZIP, br", true)]
    [InlineData("*", true)]
    [InlineData("br, deflate", false)]
    [InlineData("gzip;q=0", false)]
    [InlineData("gzip;q=0, *", false)]
    [InlineData("gzip;q=0.5, identity;q=0.9", false)]
    [InlineData("identity;q=0, gzip;q=0.1", true)]
    [InlineData("gzip;q=0.0", false)]
    public void AcceptsGzip_ByHeader_FollowsTheWeights(string? header, bool expected) =>
        Assert.Equal(expected, AcceptHeader.AcceptsGzip(header));
}
