using System.Net;
using System.Text.RegularExpressions;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Security;

/// <summary>What caches keep of the page.</summary>
public sealed partial class PageFilesTests : IAsyncLifetime
{
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await ChatHost.StartAsync(waitForKnowledge: false);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Page_NamesItsFilesByFingerprint_WhichAreKeptForAYear()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage page = await visitor.GetAsync("/");
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-cache", page.Headers.CacheControl?.ToString());
        string html = await page.Content.ReadAsStringAsync();
        Assert.Equal(html, await visitor.GetStringAsync("/index.html"));
        string[] files = [.. Reference().Matches(html).Select(match => match.Groups[1].Value)];
        Assert.Equal(4, files.Length);
        Assert.Single(files.Select(file => file.Split('/')[1]).Distinct());
        foreach (string file in files.Append(files[0].Replace(files[0].Split('/')[^1], "tab.js", StringComparison.Ordinal)))
        {
            using HttpResponseMessage kept = await visitor.GetAsync(file);
            Assert.Equal(HttpStatusCode.OK, kept.StatusCode);
            Assert.Equal("public, max-age=31536000, immutable", string.Join(", ", kept.Headers.GetValues("Cache-Control")));
            Assert.Equal(["nosniff"], kept.Headers.GetValues("X-Content-Type-Options"));
            Assert.True((await kept.Content.ReadAsByteArrayAsync()).Length > 0);
        }
    }

    [Theory]
    [InlineData("/chat.js")]
    [InlineData("/v-000000000000/chat.js")]
    public async Task File_UnderAnotherName_IsThereAndAskedForAgain(string path)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage file = await visitor.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        Assert.Equal("no-cache", file.Headers.CacheControl?.ToString());
    }

    [Fact]
    public async Task Page_ThatIsKnown_Is304AndHeadHasNoBody()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage page = await visitor.GetAsync("/");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/");
        again.Headers.IfNoneMatch.Add(page.Headers.ETag!);
        using HttpResponseMessage unchanged = await visitor.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        using var head = new HttpRequestMessage(HttpMethod.Head, "/");
        using HttpResponseMessage headers = await visitor.SendAsync(head);
        Assert.Equal(page.Content.Headers.ContentLength, headers.Content.Headers.ContentLength);
        Assert.Empty(await headers.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/v-000000000000/../appsettings.json")]
    [InlineData("/v-000000000000/%2e%2e/appsettings.json")]
    [InlineData("/v-000000000000/%2e%2e%2fappsettings.json")]
    [InlineData("/v-000000000000//etc/passwd")]
    [InlineData("/v-000000000000/..%5cappsettings.json")]
    [InlineData("/appsettings.json")]
    public async Task File_OutsideTheWebRoot_IsNotThere(string path)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.GetAsync(new Uri(_host.Address + path.TrimStart('/'), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [GeneratedRegex("(?:src|href)=\"(/v-[0-9a-f]{12}/[^\"]+)\"")]
    private static partial Regex Reference();
}
