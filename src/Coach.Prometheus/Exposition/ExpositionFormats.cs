using Microsoft.Extensions.Primitives;

namespace Coach.Prometheus.Exposition;

/// <summary>The formats in which the page can be had.</summary>
internal enum ExpositionFormat
{
    /// <summary>Prometheus text 0.0.4: what people and old scrapers read.</summary>
    Text004,

    /// <summary>Prometheus text 1.0.0: the same lines, with the escaping named.</summary>
    Text100,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics100,
}

/// <summary>
/// Chooses the page's format by <c>Accept</c> (prometheus/docs: content_negotiation.md): without a version the oldest
/// is meant.
/// </summary>
internal static class ExpositionFormats
{
    // In the order of ExpositionFormat; the first is what a scraper gets that asks for nothing we have.
    private static readonly MediaOffer[] Offers =
    [
        new("text/plain", "0.0.4"), new("text/plain", "1.0.0"), new("application/openmetrics-text", "1.0.0"),
    ];

    private static readonly string[] ContentTypes =
    [
        "text/plain; version=0.0.4; charset=utf-8",
        "text/plain; version=1.0.0; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ];

    // Every name on the page is legal without quoting, so "underscores" holds whatever scheme was asked for.
    private static readonly string[] ContentTypesWithEscaping =
    [
        .. ContentTypes.Select(type => type + "; escaping=underscores"),
    ];

    public static (ExpositionFormat Format, string ContentType) Choose(StringValues accept)
    {
        (int offer, bool namesEscaping) = MediaNegotiation.Choose(accept, Offers);
        var format = (ExpositionFormat)offer;
        bool tellsEscaping = format == ExpositionFormat.Text100
            || (namesEscaping && format == ExpositionFormat.OpenMetrics100);
        return (format, (tellsEscaping ? ContentTypesWithEscaping : ContentTypes)[offer]);
    }
}
