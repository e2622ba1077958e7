using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Coach.AspNetCore;

/// <summary>Reads a bounded JSON object from a request, whatever content type it claims.</summary>
internal static class RequestBodies
{
    public const int MaxJsonBytes = 64 * 1024;
    public const int MaxWebhookBytes = 512 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16 };

    public static async Task<(JsonDocument? Body, CoachProblem? Problem)> ReadObjectAsync(HttpContext context)
    {
        byte[]? bytes = await ReadAsync(context, MaxJsonBytes).ConfigureAwait(false);
        if (bytes is null)
        {
            return (null, CoachProblem.Invalid(
                "The request body is over 64 KiB. Send less.", StatusCodes.Status413PayloadTooLarge));
        }

        try
        {
            var body = JsonDocument.Parse(bytes, Strict);
            if (body.RootElement.ValueKind == JsonValueKind.Object && HasReadableNames(body.RootElement))
            {
                return (body, null);
            }

            body.Dispose();
        }
        catch (JsonException)
        {
            // Said below: the parser's own message may quote the body.
        }

        return (null, CoachProblem.Invalid(
            "The request body is not a JSON object. Send one with Content-Type: application/json.",
            StatusCodes.Status400BadRequest));
    }

    // A name with an escaped half of a surrogate pair is no text, and looking for any other name would throw.
    private static bool HasReadableNames(JsonElement element)
    {
        try
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                _ = property.Name;
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The whole body, or null when it is longer than <paramref name="limit"/>.</summary>
    public static async Task<byte[]?> ReadAsync(HttpContext context, int limit)
    {
        if (context.Request.ContentLength > limit)
        {
            return null;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        using var body = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 1024, limit));
        byte[] buffer = new byte[8192];
        for (; ; )
        {
            int read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false);
            if (read == 0)
            {
                return body.ToArray();
            }

            if (body.Length + read > limit)
            {
                return null;
            }

            body.Write(buffer, 0, read);
        }
    }

    public static bool TryGetString(this JsonElement element, string name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        try
        {
            value = element.TryGetProperty(name, out JsonElement property) && property.ValueKind == JsonValueKind.String
                ? property.GetString()
                : null;
        }
        catch (InvalidOperationException)
        {
            // An escaped half of a surrogate pair: no text.
        }

        return value is not null;
    }
}
