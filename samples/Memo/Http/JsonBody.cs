using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Microsoft.Net.Http.Headers;

namespace Memo.Http;

/// <summary>Bodies, read within a limit; what is wrong with one is said in a problem.</summary>
internal static class JsonBody
{
    public const int MaxBytes = 64 * 1024;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>The members of a JSON object, by name; they are looked up with <see cref="Text"/>.</summary>
    public static async Task<(JsonElement Body, MemoProblem? Problem)> ReadAsync(
        HttpContext context, int maxBytes = MaxBytes)
    {
        bool isJson = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out MediaTypeHeaderValue? type)
            && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));
        if (!isJson)
        {
            return (default, MemoProblem.Of(StatusCodes.Status415UnsupportedMediaType));
        }

        (byte[]? bytes, MemoProblem? problem) = await ReadBytesAsync(context, maxBytes).ConfigureAwait(false);
        if (problem is not null)
        {
            return (default, problem);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(
                bytes, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? (document.RootElement.Clone(), null)
                : (default, MemoProblem.Invalid("The body must be a JSON object."));
        }
        catch (JsonException)
        {
            return (default, new MemoProblem(
                StatusCodes.Status400BadRequest, ErrorCodes.RequestInvalid, "The body is not JSON."));
        }
    }

    /// <summary>A body as text.</summary>
    public static async Task<(string? Text, MemoProblem? Problem)> ReadTextAsync(HttpContext context, int limit)
    {
        (byte[]? bytes, MemoProblem? problem) = await ReadBytesAsync(context, limit).ConfigureAwait(false);
        if (problem is not null)
        {
            return (null, problem);
        }

        try
        {
            return (Utf8.GetString(bytes!), null);
        }
        catch (DecoderFallbackException)
        {
            return (null, MemoProblem.Invalid("The body is not UTF-8."));
        }
    }

    /// <summary>A text of a JSON object.</summary>
    /// <returns>The text, or what is wrong with it.</returns>
    public static (string Text, MemoProblem? Problem) Text(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out JsonElement element) || element.ValueKind != JsonValueKind.String)
        {
            return ("", MemoProblem.Invalid($"'{name}' must be a text.", name));
        }

        try
        {
            return (element.GetString()!, null);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, escaped.
            return ("", MemoProblem.Invalid($"'{name}' holds a character that is none.", name));
        }
    }

    private static async Task<(byte[]? Bytes, MemoProblem? Problem)> ReadBytesAsync(HttpContext context, int limit)
    {
        if (context.Request.ContentLength > limit)
        {
            return (null, MemoProblem.Of(StatusCodes.Status413PayloadTooLarge));
        }

        using var bytes = new MemoryStream();
        byte[] buffer = new byte[8 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0)
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > limit)
            {
                return (null, MemoProblem.Of(StatusCodes.Status413PayloadTooLarge));
            }
        }

        return (bytes.ToArray(), null);
    }
}
