using System.Collections.Frozen;
using System.Text;
using System.Text.Encodings.Web;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Coach.AspNetCore.Page;

/// <summary>
/// The page that the package carries. Its HTML names the other files under the folder of their fingerprint; their own
/// names answer too, unkept, and so does the folder of another version, for a page that another replica gave out.
/// </summary>
internal sealed class PageEndpoints
{
    public const string Forever = "public, max-age=31536000, immutable";
    public const string AskAgain = "no-cache";

    private const string Home = "index.html";
    private const string OtherVersions = "/v-{version:length(12)}/{file}";

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    private static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".webmanifest"] = "application/manifest+json",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly FrozenDictionary<string, PackedFile> _files;
    private readonly PageFiles _pages;
    private readonly CoachPageOptions _options;

    public PageEndpoints(IOptions<CoachPageOptions> options)
    {
        var provider = new EmbeddedFileProvider(typeof(PageEndpoints).Assembly, "Coach.AspNetCore.Page.Files");
        _pages = new PageFiles(provider);
        _options = options.Value;
        _files = provider.GetDirectoryContents("")
            .Where(static file => file.Name != Home)
            .ToFrozenDictionary(static file => file.Name, file => Pack(file, _options), StringComparer.Ordinal);
    }

    /// <summary>Maps the page at a pattern without a slash at its end; the empty one is the root.</summary>
    public void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints.MapMethods(pattern + "/", Reading, context => ShowHomeAsync(context, pattern));
        endpoints.MapMethods($"{pattern}/{Home}", Reading, context => ShowHomeAsync(context, pattern))
            .WithMetadata(QuietRequests.Instance);
        foreach ((string name, PackedFile file) in _files)
        {
            endpoints
                .MapMethods($"{pattern}/{name}", Reading, context => WriteAsync(context, file, AskAgain))
                .WithMetadata(QuietRequests.Instance);
        }

        endpoints.MapMethods(pattern + OtherVersions, Reading, ShowVersionAsync)
            .WithMetadata(QuietRequests.Instance);
    }

    private Task ShowHomeAsync(HttpContext context, string pattern)
    {
        HttpRequest request = context.Request;
        string path = request.Path.Value ?? "";
        if (!path.EndsWith('/') && !path.EndsWith(Home, StringComparison.OrdinalIgnoreCase))
        {
            // What the page names relative to itself (the installed app, the address of a question) needs the slash.
            context.Response.Headers.CacheControl = AskAgain;
            context.Response.Redirect($"{request.PathBase.Add(pattern).ToUriComponent()}/{request.QueryString}");
            return Task.CompletedTask;
        }

        string api = HtmlEncoder.Default.Encode(request.PathBase.ToUriComponent());
        byte[] page = _pages.FindPage("/" + Home, request.PathBase.Add(pattern))!;
        string html = Filled(Encoding.UTF8.GetString(page), _options, HtmlEncoder.Default)
            .Replace("{api}", api, StringComparison.Ordinal);
        return WriteAsync(context, new PackedFile(ContentTypes[".html"], Encoding.UTF8.GetBytes(html)), AskAgain);
    }

    private Task ShowVersionAsync(HttpContext context)
    {
        string version = (string)context.GetRouteValue("version")!;
        if (!version.All(char.IsAsciiHexDigitLower)
            || !_files.TryGetValue((string)context.GetRouteValue("file")!, out PackedFile? file))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        bool isCurrent = _pages.Folder.EndsWith("-" + version, StringComparison.Ordinal);
        return WriteAsync(context, file, isCurrent ? Forever : AskAgain);
    }

    private static Task WriteAsync(HttpContext context, PackedFile file, string cacheControl)
    {
        HttpResponse response = context.Response;
        (byte[] content, string? encoding) = file.For(context.Request.Headers.AcceptEncoding);

        // RFC 9110 §8.8.3: each encoding is a representation of its own.
        var tag = new EntityTagHeaderValue(encoding is null ? $"\"{file.Tag}\"" : $"\"{file.Tag}-{encoding}\"");
        response.Headers.CacheControl = cacheControl;
        response.Headers.ETag = tag.ToString();
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        bool isKnown = context.Request.GetTypedHeaders().IfNoneMatch is { } known
            && known.Any(one => one.Equals(EntityTagHeaderValue.Any) || one.Compare(tag, useStrongComparison: false));
        if (isKnown)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = file.ContentType;
        response.ContentLength = content.Length;
        response.Headers.XContentTypeOptions = "nosniff";
        if (encoding is not null)
        {
            response.Headers.ContentEncoding = encoding;
        }

        return HttpMethods.IsGet(context.Request.Method)
            ? response.Body.WriteAsync(content, context.RequestAborted).AsTask()
            : Task.CompletedTask;
    }

    private static PackedFile Pack(IFileInfo file, CoachPageOptions page)
    {
        using Stream stream = file.CreateReadStream();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        string text = reader.ReadToEnd();
        string ending = Path.GetExtension(file.Name);
        text = ending switch
        {
            ".html" => Filled(text, page, HtmlEncoder.Default),
            ".webmanifest" => Filled(text, page, JavaScriptEncoder.Default),
            _ => text,
        };
        return new PackedFile(ContentTypes[ending], Encoding.UTF8.GetBytes(text));
    }

    private static string Filled(string text, CoachPageOptions page, TextEncoder encoder) => text
        .Replace("{title}", encoder.Encode(page.Title), StringComparison.Ordinal)
        .Replace("{welcome}", encoder.Encode(page.Welcome), StringComparison.Ordinal)
        .Replace(
            "{suggestions}",
            string.Concat(page.Suggestions.Select(
                question => $"<button type=\"button\" dir=\"auto\">{encoder.Encode(question)}</button>")),
            StringComparison.Ordinal);
}
