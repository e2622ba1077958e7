using System.Security.Cryptography;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Serves the page of a host.</summary>
public static class CoachPageExtensions
{
    private const string Forever = "public, max-age=31536000, immutable";
    private const string AskAgain = "no-cache";

    /// <summary>
    /// Serves a page of the host's own (<c>MapCoachPage</c> is Coach's): the files of the web root,
    /// <c>/index.html</c> at <c>/</c>. HTML refers to the other files under a folder that is named by the fingerprint
    /// of them all (<c>/v-0a1b2c3d4e5f/page.js</c>): caches keep those for a year, and ask for the HTML again each
    /// time. Call it after <c>UseCoach</c>, in place of <c>UseDefaultFiles</c> and <c>UseStaticFiles</c>.
    /// </summary>
    /// <param name="app">The host's pipeline.</param>
    /// <returns>The same pipeline.</returns>
    /// <remarks>
    /// The files are read when the host starts; a file that changes later is served under the old name.
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    public static IApplicationBuilder UseCoachPage(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var environment = app.ApplicationServices.GetRequiredService<IWebHostEnvironment>();
        var files = new PageFiles(environment.WebRootFileProvider);
        app.Use(next => context => ServePageAsync(context, files, next));
        return app.UseStaticFiles(new StaticFileOptions
        {
            OnPrepareResponse = prepared => prepared.Context.Response.Headers.CacheControl =
                prepared.Context.Features.Get<CurrentVersion>() is null ? AskAgain : Forever,
        });
    }

    private static async Task ServePageAsync(HttpContext context, PageFiles files, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        string path = request.Path.Value ?? "";
        bool isReading = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (context.GetEndpoint() is not null || !isReading)
        {
            await next(context).ConfigureAwait(false);
        }
        else if (files.FindPage(path.EndsWith('/') ? path + "index.html" : path, request.PathBase) is { } page)
        {
            await WriteAsync(context, page).ConfigureAwait(false);
        }
        else if (files.TrySplit(path, out string file, out bool isCurrent))
        {
            // Another version's address: a page of a replica that is older or newer. It gets what there is, unkept.
            if (isCurrent)
            {
                context.Features.Set(CurrentVersion.Instance);
            }

            request.Path = file;
            await next(context).ConfigureAwait(false);
        }
        else
        {
            await next(context).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync(HttpContext context, byte[] page)
    {
        HttpResponse response = context.Response;
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(page))[..16]}\"");
        response.Headers.CacheControl = AskAgain;
        response.Headers.ETag = tag.ToString();
        bool isKnown = context.Request.GetTypedHeaders().IfNoneMatch is { } known
            && known.Any(one => one.Equals(EntityTagHeaderValue.Any) || one.Compare(tag, useStrongComparison: false));
        if (isKnown)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = page.Length;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await response.Body.WriteAsync(page, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private sealed class CurrentVersion
    {
        public static readonly CurrentVersion Instance = new();
    }
}
