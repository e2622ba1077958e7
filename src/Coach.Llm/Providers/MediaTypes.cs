using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>Media types as providers take them.</summary>
internal static class MediaTypes
{
    public const string Pdf = "application/pdf";

    /// <summary>In lower case, without parameters, and under the registered name.</summary>
    public static string Of(string mediaType)
    {
        int end = mediaType.IndexOf(';', StringComparison.Ordinal);
        string type = (end < 0 ? mediaType : mediaType[..end]).Trim().ToLowerInvariant();
        return type switch
        {
            "image/jpg" or "image/pjpeg" => "image/jpeg",
            "image/x-png" => "image/png",
            "audio/x-wav" or "audio/wave" or "audio/vnd.wave" => "audio/wav",
            "application/x-pdf" => Pdf,
            _ => type,
        };
    }

    /// <summary>The content as a data URI, under its registered type.</summary>
    public static string DataUri(DataContent data) =>
        $"data:{Of(data.MediaType)};base64,{Convert.ToBase64String(data.Data.Span)}";

    /// <summary>What stands at an address that a model gave: the bytes of a data URI, or a reference.</summary>
    /// <returns>Null when it is neither.</returns>
    public static AIContent? ContentOf(string? address, string usualType)
    {
        if (address is null)
        {
            return null;
        }

        try
        {
            if (address.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
            {
                return new DataContent(address);
            }

            return Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) ? new UriContent(uri, usualType) : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return null; // a data URI without a type, or that is no base64
        }
    }

    public static bool IsPdf(string mediaType) => Of(mediaType) == Pdf;

    public static bool IsText(string mediaType) => Of(mediaType).StartsWith("text/", StringComparison.Ordinal);

    public static bool IsImage(string mediaType) => Of(mediaType).StartsWith("image/", StringComparison.Ordinal);
}
