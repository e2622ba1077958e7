using Microsoft.Extensions.Primitives;

namespace Coach;

/// <summary>
/// A media type that can be had. With a version, entries that name another one mean somebody else's format.
/// </summary>
/// <param name="Type">As in <c>text/plain</c>, in lower case.</param>
/// <param name="Version">The version that is served; null where the type has none.</param>
internal readonly record struct MediaOffer(string Type, string? Version = null);

/// <summary>
/// Chooses among offers by <c>Accept</c> (RFC 9110 §12.5.1): of the entries that match an offer the most specific one
/// gives its weight.
/// </summary>
internal static class MediaNegotiation
{
    private const int Anything = 1, SameFamily = 2, SameType = 3, SameVersion = 4;

    /// <summary>
    /// The offer of the highest weight. Among equals one that is named goes before one that a wildcard covers, then the
    /// order of the header counts, then that of the offers. The first offer when nothing is acceptable: half an answer
    /// beats a refusal here.
    /// </summary>
    /// <returns>The offer's index, and whether the entry that chose it has a parameter <c>escaping</c>.</returns>
    public static (int Offer, bool NamesEscaping) Choose(StringValues accept, ReadOnlySpan<MediaOffer> offers)
    {
        Span<Match> matches = stackalloc Match[offers.Length];
        int position = 0;
        foreach (AcceptEntry entry in new AcceptEntries(accept))
        {
            position++;
            for (int i = 0; i < offers.Length; i++)
            {
                int specificity = Specificity(in entry, offers[i]);
                ref Match known = ref matches[i];
                if (specificity > known.Specificity
                    || (specificity == known.Specificity && specificity > 0 && entry.Weight > known.Weight))
                {
                    known = new Match(specificity, entry.Weight, position, entry.TryParameter("escaping", out _));
                }
            }
        }

        int best = -1;
        for (int i = 0; i < matches.Length; i++)
        {
            if (matches[i].Weight > 0 && (best < 0 || matches[i].GoesBefore(matches[best])))
            {
                best = i;
            }
        }

        return best < 0 ? (0, false) : (best, matches[best].NamesEscaping);
    }

    private static int Specificity(in AcceptEntry entry, MediaOffer offer)
    {
        if (entry.Is(offer.Type))
        {
            return VersionSpecificity(in entry, offer.Version);
        }

        if (entry.Name is "*/*")
        {
            return Anything;
        }

        int slash = offer.Type.IndexOf('/', StringComparison.Ordinal) + 1;
        bool isSameFamily = entry.Name.Length == slash + 1
            && entry.Name[^1] == '*'
            && entry.Name[..slash].Equals(offer.Type.AsSpan(0, slash), StringComparison.OrdinalIgnoreCase);
        return isSameFamily ? SameFamily : 0;
    }

    private static int VersionSpecificity(in AcceptEntry entry, string? served)
    {
        if (served is null || !entry.TryParameter("version", out ReadOnlySpan<char> asked))
        {
            return SameType;
        }

        return asked.SequenceEqual(served) ? SameVersion : 0;
    }

    private readonly record struct Match(int Specificity, double Weight, int Position, bool NamesEscaping)
    {
        private bool IsNamed => Specificity >= SameType;

        public bool GoesBefore(Match other)
        {
            if (Weight != other.Weight)
            {
                return Weight > other.Weight;
            }

            return IsNamed != other.IsNamed ? IsNamed : Position < other.Position;
        }
    }
}
