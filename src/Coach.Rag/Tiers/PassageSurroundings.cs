namespace Coach.Rag.Tiers;

/// <summary>Chooses what is shown around a passage of a document.</summary>
internal static class PassageSurroundings
{
    private const int MostNeighbours = 100;
    private const int MostPassages = 1000;

    public static void Check(PassageExpansion expansion)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(expansion.Before, 0, "expansion.Before");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(expansion.Before, MostNeighbours, "expansion.Before");
        ArgumentOutOfRangeException.ThrowIfLessThan(expansion.After, 0, "expansion.After");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(expansion.After, MostNeighbours, "expansion.After");
        ArgumentOutOfRangeException.ThrowIfLessThan(expansion.MaxPassages, 1, "expansion.MaxPassages");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(expansion.MaxPassages, MostPassages, "expansion.MaxPassages");
    }

    /// <summary>
    /// The passages around one, in the document's order; that one alone when the document has changed.
    /// </summary>
    /// <param name="passage">The passage.</param>
    /// <param name="all">All of its document.</param>
    /// <param name="expansion">What to show.</param>
    public static IReadOnlyList<Passage> Of(Passage passage, IReadOnlyList<Passage> all, PassageExpansion expansion)
    {
        int at = all.ToList().FindIndex(each => each.Start == passage.Start && each.Length == passage.Length);
        if (at < 0)
        {
            return [passage];
        }

        int first = Math.Max(0, at - expansion.Before);
        int last = Math.Min(all.Count - 1, at + expansion.After);
        if (expansion.ParentSection)
        {
            IReadOnlyList<string> parent = [.. passage.HeadingPath.SkipLast(1)];
            while (first > 0 && IsUnder(all[first - 1], parent))
            {
                first--;
            }

            while (last + 1 < all.Count && IsUnder(all[last + 1], parent))
            {
                last++;
            }
        }

        // Too many: those nearest to it, on both sides as far as there are some.
        while (last - first >= expansion.MaxPassages)
        {
            bool isLastFarther = last - at >= at - first;
            (first, last) = isLastFarther ? (first, last - 1) : (first + 1, last);
        }

        return [.. all.Skip(first).Take(last - first + 1).Select((each, i) => first + i == at ? passage : each)];
    }

    private static bool IsUnder(Passage passage, IReadOnlyList<string> parent) =>
        passage.HeadingPath.Take(parent.Count).SequenceEqual(parent, StringComparer.Ordinal);
}
