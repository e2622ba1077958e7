namespace Memo.Configuration;

/// <summary>The lines that two texts do not share: the longest common subsequence stays out.</summary>
internal static class LineDiff
{
    private const int MaxLines = 2_000;

    public static IReadOnlyList<string> Of(string before, string after)
    {
        string[] old = before.ReplaceLineEndings("\n").Split('\n');
        string[] next = after.ReplaceLineEndings("\n").Split('\n');
        if (old.Length > MaxLines || next.Length > MaxLines)
        {
            return [$"{old.Length} lines become {next.Length}"];
        }

        int[,] common = new int[old.Length + 1, next.Length + 1];
        for (int i = old.Length - 1; i >= 0; i--)
        {
            for (int j = next.Length - 1; j >= 0; j--)
            {
                common[i, j] = old[i] == next[j]
                    ? common[i + 1, j + 1] + 1
                    : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        var diff = new List<string>();
        int left = 0;
        int right = 0;
        while (left < old.Length || right < next.Length)
        {
            bool isSame = left < old.Length && right < next.Length && old[left] == next[right];
            bool isRemoved = !isSame && left < old.Length
                && (right == next.Length || common[left + 1, right] >= common[left, right + 1]);
            if (!isSame)
            {
                diff.Add(isRemoved ? "- " + old[left] : "+ " + next[right]);
            }

            left += isSame || isRemoved ? 1 : 0;
            right += isSame || !isRemoved ? 1 : 0;
        }

        return diff;
    }
}
