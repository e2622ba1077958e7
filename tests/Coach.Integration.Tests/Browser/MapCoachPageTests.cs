using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Coach.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>The page in an app of one's own: the README's lines, a path of its own, a path base, and what travels.</summary>
[Collection(PageFixture.Collection)]
public sealed partial class MapCoachPageTests(PageFixture fixture)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "/", "/")]
    [InlineData("", "/assistant", "/assistant/")]
    [InlineData("", "assistant/", "/assistant/")]
    [InlineData("/coach", "/", "/coach/")]
    [InlineData("/coach", "/a/b c", "/coach/a/b%20c/")]
    public async Task Page_WhereverItIs_FindsItsFilesAndTheApi(string pathBase, string pattern, string address)
    {
        await using WebApplication app = await StartAsync(pathBase, page => page.MapCoachPage(pattern));
        using HttpClient visitor = Visitor(app);
        string html = await visitor.GetStringAsync(address, Token);
        Assert.Contains($"data-api=\"{pathBase}\"", html, StringComparison.Ordinal);
        string[] files = [.. Reference().Matches(html).Select(match => match.Groups[1].Value)];
        Assert.Equal(4, files.Length);
        foreach (string file in files)
        {
            Assert.StartsWith(address + "v-", file, StringComparison.Ordinal);
            using HttpResponseMessage found = await visitor.GetAsync(file, Token);
            Assert.Equal(HttpStatusCode.OK, found.StatusCode);
            Assert.Equal("public, max-age=31536000, immutable", string.Join(", ", found.Headers.GetValues("Cache-Control")));
        }

        foreach (string name in (string[])["worker.js", "offline.html", "manifest.webmanifest", "index.html"])
        {
            using HttpResponseMessage found = await visitor.GetAsync(address + name, Token);
            Assert.Equal((HttpStatusCode.OK, "no-cache"), (found.StatusCode, found.Headers.CacheControl?.ToString()));
        }

        if (address.Length > 1)
        {
            using HttpResponseMessage bare = await visitor.GetAsync(address[..^1] + "?x=1", Token);
            Assert.Equal((HttpStatusCode.Redirect, address + "?x=1"), (bare.StatusCode, bare.Headers.Location?.ToString()));
        }

        using HttpResponseMessage api = await visitor.GetAsync(pathBase + "/api/session", Token);
        Assert.Equal(HttpStatusCode.OK, api.StatusCode);
        using HttpResponseMessage other = await visitor.GetAsync(pathBase + "/api/nothing", Token);
        Assert.Equal("application/problem+json", other.Content.Headers.ContentType?.MediaType);
        using HttpResponseMessage post = await visitor.PostAsync(pathBase + "/nothing", null, Token);
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
    }

    [Fact]
    public async Task Page_BelowAPathBase_IsAskedInABrowser()
    {
        await using WebApplication app = await StartAsync("/coach", page => page.MapCoachPage("/assistant"));
        IBrowserContext visitor = await fixture.NewVisitorAsync();
        OpenPage open = await fixture.OpenAsync(visitor, new Uri(Address(app), "/coach/assistant"));
        await open.AskAsync("anything");
        await Assertions.Expect(open.Page.Locator(".answer .meta")).ToContainTextAsync("mock answer");
        Assert.Empty(open.Problems);
    }

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip, deflate, br;q=0.9", "gzip")]
    [InlineData("gzip;q=0.5, br;q=0.5", "br")]
    [InlineData("*", "br")]
    [InlineData("br;q=0, gzip;q=0", null)]
    [InlineData("identity", null)]
    [InlineData("nonsense;;q=x", null)]
    public async Task File_ComesInTheEncodingThatIsAskedFor(string accepted, string? encoding)
    {
        await using WebApplication app = await StartAsync("", page => page.MapCoachPage());
        using HttpClient visitor = Visitor(app);
        byte[] plain = await visitor.GetByteArrayAsync("/chat.js", Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/chat.js");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        using HttpResponseMessage answer = await visitor.SendAsync(request, Token);
        Assert.Equal(encoding, answer.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Equal(["Accept-Encoding"], answer.Headers.Vary);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("text/javascript", answer.Content.Headers.ContentType?.MediaType);
        byte[] body = await answer.Content.ReadAsByteArrayAsync(Token);
        Assert.Equal(answer.Content.Headers.ContentLength, body.Length);
        Assert.Equal(plain, Unpacked(body, encoding));

        using var again = new HttpRequestMessage(HttpMethod.Get, "/chat.js");
        again.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        using HttpResponseMessage known = await visitor.SendAsync(again, Token);
        Assert.Equal((HttpStatusCode.NotModified, answer.Headers.ETag), (known.StatusCode, known.Headers.ETag));
    }

    [Fact]
    public async Task Script_OfThePage_IsSmall()
    {
        await using WebApplication app = await StartAsync("", page => page.MapCoachPage());
        using HttpClient visitor = Visitor(app);
        visitor.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("br"));
        string[] scripts = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "page"), "*.js")
            .Select(file => Path.GetFileName(file)!)];
        Assert.True(scripts.Length > 10);
        long total = 0;
        foreach (string script in scripts)
        {
            total += (await visitor.GetByteArrayAsync("/" + script, Token)).Length;
        }

        Assert.InRange(total, 1, 60 * 1024);
    }

    [Fact]
    public async Task Policy_OfThePage_AllowsNothingInline()
    {
        await using WebApplication app = await StartAsync("", page => page.MapCoachPage());
        using HttpClient visitor = Visitor(app);
        using HttpResponseMessage page = await visitor.GetAsync("/", Token);
        string policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        string html = await page.Content.ReadAsStringAsync(Token);
        Assert.DoesNotMatch(@"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html);
    }

    [Fact]
    public async Task Options_AreSaidOnThePage_AndNeverAsMarkup()
    {
        await using WebApplication app = await StartAsync("", page => page.MapCoachPage(), new()
        {
            ["Coach:Page:Title"] = "A <b> \"C\"",
            ["Coach:Page:Welcome"] = "Ask & see",
            ["Coach:Page:Suggestions:0"] = "Is 1 < 2?",
        });
        using HttpClient visitor = Visitor(app);
        string html = await visitor.GetStringAsync("/", Token);
        Assert.Contains("<title>A &lt;b&gt; &quot;C&quot;</title>", html, StringComparison.Ordinal);
        Assert.Contains(">Ask &amp; see<", html, StringComparison.Ordinal);
        Assert.Contains(">Is 1 &lt; 2?</button>", html, StringComparison.Ordinal);
        using var manifest = System.Text.Json.JsonDocument.Parse(await visitor.GetStringAsync("/manifest.webmanifest", Token));
        Assert.Equal("A <b> \"C\"", manifest.RootElement.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("Title", "", "Coach:Page:Title must be one line of 1 to 40 characters.")]
    [InlineData("Welcome", "a\nb", "Coach:Page:Welcome must be one line of 1 to 300 characters.")]
    [InlineData("Suggestions:0", " ", "Coach:Page:Suggestions:0 must be one line of 1 to 200 characters.")]
    public async Task Options_ThatAreWrong_FailTheStart(string key, string value, string sentence)
    {
        OptionsValidationException wrong = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync("", page => page.MapCoachPage(), new() { ["Coach:Page:" + key] = value }));
        Assert.Contains(sentence, wrong.Failures);
    }

    private static byte[] Unpacked(byte[] body, string? encoding)
    {
        if (encoding is null)
        {
            return body;
        }

        using var packed = new MemoryStream(body);
        using Stream stream = encoding == "br"
            ? new BrotliStream(packed, CompressionMode.Decompress)
            : new GZipStream(packed, CompressionMode.Decompress);
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }

    private static async Task<WebApplication> StartAsync(
        string pathBase, Action<WebApplication> map, Dictionary<string, string?>? settings = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Coach:Drain"] = "00:00:00",
            ["Coach:Observability:HealthTimeout"] = "00:01:00",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.AddCoach();
        WebApplication app = builder.Build();
        if (pathBase.Length > 0)
        {
            app.UsePathBase(pathBase);
        }

        app.UseCoach();
        app.MapCoach();
        map(app);
        try
        {
            await app.StartAsync(Token);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private static Uri Address(WebApplication app) => new(app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private static HttpClient Visitor(WebApplication app) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address(app) };

    [GeneratedRegex("(?:src|href)=\"(/[^\"]*v-[0-9a-f]{12}/[^\"]+)\"")]
    private static partial Regex Reference();
}
