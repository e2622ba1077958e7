using Coach.Llm.Core;

namespace Coach.Llm.Keys;

/// <summary>Finds the models whose names are nearest to one: whoever mistyped it sees what to set.</summary>
internal static class NearestModels
{
    private const int MaxNamed = 3;

    /// <summary>At most three names, nearest first: those that begin alike and need few changes.</summary>
    public static IReadOnlyList<string> Of(string name, IEnumerable<string> names) =>
    [
        .. names.Where(ModelName.IsPlain)
            .OrderBy(other => Distance(name, other) - name.AsSpan().CommonPrefixLength(other))
            .ThenBy(other => other, StringComparer.Ordinal)
            .Take(MaxNamed),
    ];

    // Levenshtein's distance; names are short.
    private static int Distance(string one, string other)
    {
        int[] row = [.. Enumerable.Range(0, other.Length + 1)];
        for (int i = 1; i <= one.Length; i++)
        {
            int corner = row[0];
            row[0] = i;
            for (int j = 1; j <= other.Length; j++)
            {
                int changed = corner + (one[i - 1] == other[j - 1] ? 0 : 1);
                corner = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
