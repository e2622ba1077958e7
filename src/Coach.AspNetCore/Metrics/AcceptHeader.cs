using Microsoft.Extensions.Primitives;

namespace Coach.AspNetCore;

/// <summary>The formats in which the page can be had.</summary>
internal enum PageFormat
{
    /// <summary>Prometheus text 0.0.4: what people and old scrapers read.</summary>
    Text004,

    /// <summary>Prometheus text 1.0.0: the same lines, with the escaping named.</summary>
    Text100,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics100,
}

/// <summary>
/// Chooses the format and the content coding from <c>Accept</c> and <c>Accept-Encoding</c>
/// (prometheus/docs: content_negotiation.md; RFC 9110 §12.5).
/// </summary>
internal static class AcceptHeader
{
    private const int MaxLength = 4096;

    /// <summary>The acceptable format with the highest weight, the first of equals; text 0.0.4 when nothing fits.</summary>
    public static (PageFormat Format, bool NamesEscaping) Format(StringValues header)
    {
        (PageFormat Format, bool NamesEscaping) best = (PageFormat.Text004, false);
        double bestWeight = 0;
        foreach (string? line in header)
        {
            ReadOnlySpan<char> rest = line is { Length: <= MaxLength } ? line : "";
            foreach (Range range in rest.Split(','))
            {
                if (Entry(rest[range]) is { } entry && entry.Weight > bestWeight)
                {
                    bestWeight = entry.Weight;
                    best = (entry.Format, entry.NamesEscaping);
                }
            }
        }

        return best;
    }

    /// <summary>Whether gzip is welcome, and at least as welcome as no compression.</summary>
    public static bool AcceptsGzip(StringValues header)
    {
        double gzip = -1, identity = -1, any = -1;
        foreach (string? line in header)
        {
            ReadOnlySpan<char> rest = line is { Length: <= MaxLength } ? line : "";
            foreach (Range range in rest.Split(','))
            {
                ReadOnlySpan<char> entry = rest[range];
                int semicolon = entry.IndexOf(';');
                ReadOnlySpan<char> name = (semicolon < 0 ? entry : entry[..semicolon]).Trim();
                double weight = semicolon < 0 ? 1 : Weight(entry[(semicolon + 1)..]);
                if (name.Equals("gzip", StringComparison.OrdinalIgnoreCase) || name.Equals("x-gzip", StringComparison.OrdinalIgnoreCase))
                {
                    gzip = Math.Max(gzip, weight);
                }
                else if (name.Equals("identity", StringComparison.OrdinalIgnoreCase))
                {
                    identity = weight;
                }
                else if (name is "*")
                {
                    any = weight;
                }
            }
        }

        gzip = gzip < 0 ? any : gzip;
        return gzip > 0 && gzip >= identity;
    }

    private static (PageFormat Format, bool NamesEscaping, double Weight)? Entry(ReadOnlySpan<char> entry)
    {
        int semicolon = entry.IndexOf(';');
        ReadOnlySpan<char> type = (semicolon < 0 ? entry : entry[..semicolon]).Trim();
        ReadOnlySpan<char> parameters = semicolon < 0 ? [] : entry[(semicolon + 1)..];
        double weight = 1;
        ReadOnlySpan<char> version = [];
        bool namesEscaping = false;
        foreach (Range range in parameters.Split(';'))
        {
            ReadOnlySpan<char> parameter = parameters[range].Trim();
            int equals = parameter.IndexOf('=');
            if (equals < 0)
            {
                continue;
            }

            ReadOnlySpan<char> name = parameter[..equals].Trim();
            ReadOnlySpan<char> value = parameter[(equals + 1)..].Trim().Trim('"');
            if (name.Equals("q", StringComparison.OrdinalIgnoreCase))
            {
                weight = Quality(value);
            }
            else if (name.Equals("version", StringComparison.OrdinalIgnoreCase))
            {
                version = value;
            }
            else if (name.Equals("escaping", StringComparison.OrdinalIgnoreCase))
            {
                namesEscaping = true;
            }
        }

        PageFormat? format = null;
        if (type.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase))
        {
            // Without a version the oldest is meant; an unknown one is somebody else's format.
            format = version.IsEmpty || version is "1.0.0" ? PageFormat.OpenMetrics100 : null;
        }
        else if (type.Equals("text/plain", StringComparison.OrdinalIgnoreCase))
        {
            format = version.IsEmpty || version is "0.0.4" ? PageFormat.Text004 : version is "1.0.0" ? PageFormat.Text100 : null;
        }
        else if (type is "*/*" || type.Equals("text/*", StringComparison.OrdinalIgnoreCase))
        {
            format = PageFormat.Text004;
        }
        else if (type.Equals("application/*", StringComparison.OrdinalIgnoreCase))
        {
            format = PageFormat.OpenMetrics100;
        }

        return format is { } known && weight > 0 ? (known, namesEscaping, weight) : null;
    }

    private static double Weight(ReadOnlySpan<char> parameters)
    {
        foreach (Range range in parameters.Split(';'))
        {
            ReadOnlySpan<char> parameter = parameters[range].Trim();
            int equals = parameter.IndexOf('=');
            if (equals > 0 && parameter[..equals].Trim().Equals("q", StringComparison.OrdinalIgnoreCase))
            {
                return Quality(parameter[(equals + 1)..].Trim());
            }
        }

        return 1;
    }

    // A weight that is no number between 0 and 1 is as good as none: the entry is skipped.
    private static double Quality(ReadOnlySpan<char> text) =>
        double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out double weight) && weight is >= 0 and <= 1
            ? weight
            : 0;
}
