using System.Text;
using System.Text.RegularExpressions;

namespace Coach.Rag.Documents;

/// <summary>Patterns of paths as in <c>.gitignore</c>: the last one that matches decides.</summary>
internal sealed class GlobList
{
    private readonly record struct Glob(Regex Pattern, bool IsNegated, bool IsFolderOnly);

    private readonly Glob[] _globs;

    public GlobList(IEnumerable<string> patterns) =>
        _globs = [.. patterns.Select(pattern => pattern.Trim())
            .Where(pattern => pattern.Length > 0 && pattern[0] != '#').Select(Parse)];

    public bool IsEmpty => _globs.Length == 0;

    /// <summary>Whether a path is matched.</summary>
    /// <param name="path">Relative to the folder, with slashes.</param>
    /// <param name="isFolder">Whether it is a folder.</param>
    public bool Matches(string path, bool isFolder)
    {
        for (int i = _globs.Length - 1; i >= 0; i--)
        {
            if ((isFolder || !_globs[i].IsFolderOnly) && _globs[i].Pattern.IsMatch(path))
            {
                return !_globs[i].IsNegated;
            }
        }

        return false;
    }

    private static Glob Parse(string glob)
    {
        bool isNegated = glob[0] == '!';
        string rest = glob[0] is '!' or '\\' ? glob[1..] : glob;
        bool isFolderOnly = rest.EndsWith('/');
        rest = rest.TrimEnd('/');
        bool isAnchored = rest.Contains('/', StringComparison.Ordinal)
            && !rest.StartsWith("**/", StringComparison.Ordinal);
        rest = rest.TrimStart('/');
        var regex = new StringBuilder("^");
        if (!isAnchored)
        {
            regex.Append("(?:.*/)?");
        }

        for (int i = rest.StartsWith("**/", StringComparison.Ordinal) ? 3 : 0; i < rest.Length; i++)
        {
            i = Append(rest, i, regex);
        }

        RegexOptions options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline;
        return new Glob(new Regex(regex.Append('$').ToString(), options), isNegated, isFolderOnly);
    }

    private static int Append(string glob, int i, StringBuilder regex)
    {
        ReadOnlySpan<char> rest = glob.AsSpan(i);
        if (rest.StartsWith("/**/"))
        {
            regex.Append("/(?:.*/)?");
            return i + 3;
        }

        if (rest.SequenceEqual("/**"))
        {
            regex.Append("/.+");
            return i + 2;
        }

        if (rest.StartsWith("**"))
        {
            regex.Append(".*");
            return i + 1;
        }

        if (glob[i] == '[' && glob.IndexOf(']', i + 2) is var close && close > i + 1)
        {
            string set = glob[(i + 1)..close].Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("[", "\\[", StringComparison.Ordinal);
            regex.Append(set[0] is '!' or '^' ? $"[^/{set[1..]}]" : $"[{set}]");
            return close;
        }

        regex.Append(glob[i] switch
        {
            '*' => "[^/]*",
            '?' => "[^/]",
            _ => Regex.Escape(glob[i].ToString()),
        });
        return i;
    }
}
