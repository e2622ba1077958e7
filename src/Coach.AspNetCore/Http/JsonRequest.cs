using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Coach.AspNetCore.Http;

/// <summary>Reads a bounded JSON object from a request that says it is JSON.</summary>
/// <remarks>
/// Not the framework's body binding: that answers a bare 400 to a wrong value, where the contract promises a problem
/// that says what to send. The type is checked since a form of another site can send texts, but no JSON.
/// </remarks>
internal static class JsonRequest
{
    public const int MaxJsonBytes = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16 };

    /// <summary>Reads the body as <typeparamref name="T"/>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="wrongField">
    /// What to answer when the value of a field, such as <c>amount</c>, is of the wrong kind.
    /// </param>
    /// <param name="maxBytes">The longest body, in bytes.</param>
    public static async Task<(T? Body, CoachProblem? Problem)> ReadAsync<T>(
        HttpContext context, Func<string, CoachProblem?> wrongField, int maxBytes = MaxJsonBytes)
        where T : class
    {
        byte[]? bytes = await ReadBytesAsync(context, maxBytes).ConfigureAwait(false);
        if (bytes is null)
        {
            string tooLarge = string.Create(
                CultureInfo.InvariantCulture, $"The request body is over {maxBytes / 1024} KiB. Send less.");
            return (null, CoachProblem.Invalid(tooLarge, StatusCodes.Status413PayloadTooLarge));
        }

        if (!IsJson(context.Request))
        {
            return (null, CoachProblem.Invalid(
                "The request body must be plain JSON in UTF-8. Send it with Content-Type: application/json.",
                StatusCodes.Status415UnsupportedMediaType));
        }

        using JsonDocument? body = JsonReading.TryParse(bytes, Strict);
        if (body?.RootElement.ValueKind != JsonValueKind.Object || !HasReadableNames(body.RootElement))
        {
            return (null, NoObject());
        }

        try
        {
            return (body.RootElement.Deserialize(context.JsonTypeOf<T>()), null);
        }
        catch (JsonException exception)
        {
            // The parser's own message may quote the body: the field is enough.
            string field = exception.Path?.TrimStart('$', '.') ?? "";
            CoachProblem problem = wrongField(field) ?? WrongType(context.JsonTypeOf<T>(), field);
            return (null, field.Length > 0 ? problem with { Field = field } : problem);
        }
    }

    // What a field holds is in its contract: none is left without its name.
    private static CoachProblem WrongType(JsonTypeInfo contract, string path)
    {
        string name = path.Split('.', '[')[0];
        JsonPropertyInfo? property = contract.Properties.FirstOrDefault(property => property.Name == name);
        if (property is null)
        {
            return NoObject();
        }

        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string expected = type switch
        {
            _ when path != name => "something else inside",
            _ when type == typeof(string) => "a text",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(int) || type == typeof(long) => "a whole number",
            _ when type == typeof(double) || type == typeof(decimal) => "a number",
            _ when typeof(System.Collections.IEnumerable).IsAssignableFrom(type) => "a list",
            _ => "an object",
        };
        return CoachProblem.Invalid($"The value of \"{name}\" is of the wrong type; it must be {expected}.");
    }

    private static bool IsJson(HttpRequest request) =>
        request.Headers.ContentType is [{ } type]
        && MediaTypeHeaderValue.TryParse(type, out MediaTypeHeaderValue? media)
        && media.Type.Equals("application", StringComparison.OrdinalIgnoreCase)
        && (media.SubType.Equals("json", StringComparison.OrdinalIgnoreCase)
            || media.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase))
        && (!media.Charset.HasValue || IsUtf8(HeaderUtilities.RemoveQuotes(media.Charset)))
        && request.Headers.ContentEncoding.All(
            coding => string.Equals(coding, "identity", StringComparison.OrdinalIgnoreCase));

    private static bool IsUtf8(StringSegment charset) =>
        charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
        || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase);

    private static CoachProblem NoObject() => CoachProblem.Invalid(
        "The request body is not a JSON object. Send one with Content-Type: application/json.",
        StatusCodes.Status400BadRequest);

    /// <summary>The whole body, or null when it is longer than <paramref name="limit"/>.</summary>
    public static async Task<byte[]?> ReadBytesAsync(HttpContext context, int limit)
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
}

/// <summary>
/// Tells the OpenAPI document what a request's body holds. It names no content type, since naming one makes the router
/// answer 415 to every other.
/// </summary>
internal sealed class JsonBody(Type type) : IAcceptsMetadata
{
    public IReadOnlyList<string> ContentTypes => [];

    public Type RequestType => type;

    public bool IsOptional => false;
}
