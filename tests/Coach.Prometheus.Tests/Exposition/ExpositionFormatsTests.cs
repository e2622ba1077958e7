using Coach.Prometheus.Exposition;
using Microsoft.Extensions.Primitives;

namespace Coach.Prometheus.Tests.Exposition;

public sealed class ExpositionFormatsTests
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
        { "application/*", Open },
        { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text },
        // Prometheus 2.42
        {
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Open
        },
        // Prometheus 3
        {
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Open + "; escaping=underscores"
        },
        // Prometheus 3 with native histograms
        {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
            Open + "; escaping=underscores"
        },
        { "text/plain;version=1.0.0;escaping=allow-utf-8", Text1 },
        { "text/plain;version=1.0.0", Text1 },
        { "text/plain;version=0.0.4;escaping=allow-utf-8", Text },
        { "application/openmetrics-text", Open },
        { "APPLICATION/OpenMetrics-Text; Version=1.0.0", Open },
        { "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", Open },
        { "  application/openmetrics-text  ;  version = 1.0.0  ;  q = 0.9  ", Open },
        { "application/openmetrics-text;note=\"a,b;q=0\";version=1.0.0", Open },
        // Unknown versions are somebody else's format
        { "application/openmetrics-text;version=0.0.1", Text },
        { "application/openmetrics-text;version=2.0.0", Text },
        { "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1", Open },
        { "application/openmetrics-text;version=9.9.9,text/plain;q=0.1", Text },
        { "text/plain;version=9.9.9,application/openmetrics-text;q=0.1", Open },
        // Weights
        { "application/openmetrics-text;q=0,*/*;q=0.1", Text },
        { "application/openmetrics-text;q=0", Text },
        { "application/openmetrics-text;q=0.000", Text },
        { "application/openmetrics-text; q=0.2 , text/plain ; q=0.9", Text },
        { "text/plain;q=0.2,application/openmetrics-text;q=0.9", Open },
        { "application/openmetrics-text;q=0.501,text/plain;q=0.5", Open },
        { "text/plain;Q=0.1,application/openmetrics-text;Q=0.2", Open },
        { "text/plain,application/openmetrics-text", Text },
        { "application/openmetrics-text,text/plain", Open },
        // The most specific entry gives a type its weight, wherever it stands
        { "*/*;q=0.9,text/plain;q=0.1", Open },
        { "text/plain;q=0,*/*", Open },
        { "*/*,text/plain;q=0", Open },
        { "text/*;q=0.9,text/plain;q=0.2,application/openmetrics-text;q=0.5", Open },
        {
            "application/openmetrics-text;version=1.0.0;q=0.1,application/openmetrics-text;q=0.9,text/plain;q=0.5",
            Text
        },
        { "*/*,application/openmetrics-text", Open },
        { "application/*;q=0.3,text/*;q=0.7", Text },
        { "*/*;q=0", Text },
        { "application/openmetrics-text;version=1.0.0;escaping=values", Open + "; escaping=underscores" },
        // Nonsense
        { "application/openmetrics-text;q=abc,text/plain;q=0.1", Text },
        { "application/openmetrics-text;q=7", Text },
        { "application/openmetrics-text;q=-1", Text },
        { "application/openmetrics-text;q=", Text },
        { "application/openmetrics-text;q=NaN", Text },
        { "application/json", Text },
        { "openmetrics", Text },
        { ";;;,,,=;q", Text },
        { "\"application/openmetrics-text", Text },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Choose_ByAcceptHeader_GivesTheNegotiatedContentType(string? accept, string expected) =>
        Assert.Equal(expected, ExpositionFormats.Choose(accept).ContentType);

    [Fact]
    public async Task Page_ForHeadAndGet_HasTheNegotiatedContentType()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        foreach ((string accept, string expected)
            in new[] { ("text/plain;version=1.0.0", Text1), ("application/openmetrics-text", Open), ("*/*", Text) })
        {
            foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
            {
                using HttpResponseMessage response = await host.SendAsync(method, "/metrics", ("Accept", accept));
                Assert.Equal(expected, response.Content.Headers.GetValues("Content-Type").Single());
            }
        }
    }

    [Fact]
    public void Choose_OfSeveralHeaderLines_ReadsAll() =>
        Assert.Equal(
            ExpositionFormat.OpenMetrics100,
            ExpositionFormats.Choose(new StringValues(["text/plain;q=0.5", "application/openmetrics-text"])).Format);

    [Fact]
    public void Choose_OfAHugeHeader_IsTextWithoutReadingIt() =>
        Assert.Equal(
            ExpositionFormat.Text004,
            ExpositionFormats.Choose(new string(',', 100_000) + "application/openmetrics-text").Format);
}
