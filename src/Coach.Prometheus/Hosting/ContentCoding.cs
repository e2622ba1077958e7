using Microsoft.Extensions.Primitives;

namespace Coach.Prometheus.Hosting;

/// <summary>How a body may be coded.</summary>
internal enum ContentCoding
{
    /// <summary>The header refuses everything that can be had.</summary>
    None,

    Identity,

    Gzip,
}

/// <summary>Chooses between gzip and no coding by <c>Accept-Encoding</c> (RFC 9110 §12.5.3).</summary>
internal static class CodingNegotiation
{
    /// <summary>
    /// gzip when it is named or covered by <c>*</c> and at least as welcome as no coding, which is always acceptable
    /// unless <c>identity;q=0</c>, or <c>*;q=0</c> without <c>identity</c>, refuses it.
    /// </summary>
    public static ContentCoding Choose(StringValues header)
    {
        double? gzip = null, identity = null, any = null;
        foreach (AcceptEntry entry in new AcceptEntries(header))
        {
            if (entry.Is("gzip") || entry.Is("x-gzip"))
            {
                gzip = Math.Max(gzip ?? 0, entry.Weight);
            }
            else if (entry.Is("identity"))
            {
                identity = Math.Max(identity ?? 0, entry.Weight);
            }
            else if (entry.Name is "*")
            {
                any = Math.Max(any ?? 0, entry.Weight);
            }
        }

        double packed = gzip ?? any ?? 0;
        if (packed > 0 && packed >= (identity ?? any ?? 0))
        {
            return ContentCoding.Gzip;
        }

        return (identity ?? any) is 0 ? ContentCoding.None : ContentCoding.Identity;
    }
}
