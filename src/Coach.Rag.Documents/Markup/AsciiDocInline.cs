using System.Buffers;
using System.Collections.Frozen;

namespace Coach.Rag.Documents.Markup;

/// <summary>The macros, references and anchors within lines of AsciiDoc, down to the words that they show.</summary>
internal static class AsciiDocInline
{
    private const int MaxTarget = 500;
    private const int MaxWords = 400;

    private static readonly SearchValues<char> Marks = SearchValues.Create("[<({`");

    // What these show is a picture, a mark or nothing.
    private static readonly FrozenSet<string> Silent = FrozenSet.Create(StringComparer.Ordinal,
        "image", "icon", "anchor", "indexterm", "audio", "video", "include");

    private static readonly FrozenSet<string> Shown = FrozenSet.Create(StringComparer.Ordinal,
        "xref", "link", "mailto", "kbd", "btn", "pass", "stem", "latexmath", "asciimath", "footnote", "footnoteref",
        "indexterm2", "term", "https", "http", "ftp", "irc", "apiref", "javadoc", "gh", "issue", "menu");

    private static readonly FrozenSet<string> Nothing = FrozenSet.Create(StringComparer.Ordinal,
        "{empty}", "{zwsp}", "{wj}", "{blank}");

    /// <summary>A range of the text as its words.</summary>
    public static KeptText Words(string text, int start, int end)
    {
        var words = new KeptText(text, start, end);
        for (int at = start; at < end;)
        {
            int found = text.AsSpan(at, end - at).IndexOfAny(Marks);
            if (found < 0)
            {
                break;
            }

            at += found;
            at = Math.Max(at + 1, text[at] switch
            {
                '[' => Bracket(text, at, end, words),
                '<' => CrossReference(text, at, end, words),
                '(' => IndexTerm(text, at, end, words),
                '`' => Literal(text, at, end, words),
                _ => Attribute(text, at, end, words),
            });
        }

        return words;
    }

    private static int Bracket(string text, int at, int end, KeptText words)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at, Math.Min(end - at, MaxWords));
        if (rest.StartsWith("[[") && rest.IndexOf("]]") is > 2 and int anchor)
        {
            words.Cut(at, at + anchor + 2);
            return at + anchor + 2;
        }

        int close = Closing(rest);
        if (close < 0)
        {
            return at + 1;
        }

        close += at;
        if (at == words.At || !IsTarget(text[at - 1]))
        {
            return Role(text, at, close, end, words);
        }

        int target = at;
        while (target > words.At && at - target < MaxTarget && IsTarget(text[target - 1]))
        {
            target--;
        }

        int colon = text.AsSpan(target, at - target).IndexOf(':');
        string name = colon > 0 ? text[target..(target + colon)] : "";
        if (Silent.Contains(name))
        {
            words.Cut(target, close + 1);
            return close + 1;
        }

        bool isMacro = Shown.Contains(name)
            || (text[target] == '{' && text.AsSpan(target, at - target).IndexOf('}') is > 1 and int attribute
                && attribute + 1 < at - target);
        if (!isMacro)
        {
            return at + 1;
        }

        Macro(text, target, target + colon + 1, at, close, words);
        return close + 1;
    }

    // "xref:page.adoc#id[words]" shows its words, and its target when it has none.
    private static void Macro(string text, int start, int target, int open, int close, KeptText words)
    {
        int from = open + 1;
        int to = close;
        while (from < to && (char.IsWhiteSpace(text[from]) || text[from] == '"'))
        {
            from++;
        }

        // "words,role=x" and "words^": how the link opens.
        int comma = text.AsSpan(from, to - from).LastIndexOf(',');
        while (comma > 0 && text.AsSpan(from + comma, to - from - comma).Contains('='))
        {
            to = from + comma;
            comma = text.AsSpan(from, to - from).LastIndexOf(',');
        }

        while (to > from && (char.IsWhiteSpace(text[to - 1]) || text[to - 1] is '"' or '^'))
        {
            to--;
        }

        if (from < to)
        {
            words.Cut(start, from);
            words.Cut(to, close + 1);
            return;
        }

        bool isAddress = text.AsSpan(target, open - target).StartsWith("//");
        words.Cut(start, isAddress ? start : target);
        words.Cut(open, close + 1);
    }

    // [.role]#words# and [#id]*words*
    private static int Role(string text, int at, int close, int end, KeptText words)
    {
        bool isRole = at + 1 < close && text[at + 1] is '.' or '#' or '%' && close + 2 < end
            && text[close + 1] is '#' or '*' or '_' or '`';
        if (!isRole)
        {
            return at + 1;
        }

        int marks = text[close + 1] == '#' ? 1 : 0;
        int second = marks == 0 ? -1 : text.AsSpan(close + 2, Math.Min(end - close - 2, MaxWords)).IndexOf('#');
        words.Cut(at, close + 1 + (second >= 0 ? marks : 0));
        if (second >= 0)
        {
            words.Cut(close + 2 + second, close + 3 + second);
        }

        return close + 2;
    }

    // <<id,words>>, <<id>>
    private static int CrossReference(string text, int at, int end, KeptText words)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at, Math.Min(end - at, MaxWords));
        int close = rest.StartsWith("<<") ? rest.IndexOf(">>") : -1;
        if (close < 3)
        {
            return at + 1;
        }

        int comma = rest[..close].IndexOf(',');
        int first = comma > 0 ? at + comma + 1 : at + 2;
        while (first < at + close && char.IsWhiteSpace(text[first]))
        {
            first++;
        }

        words.Cut(at, first);
        words.Cut(at + close, at + close + 2);
        return at + close + 2;
    }

    // ((shown)) and (((not shown)))
    private static int IndexTerm(string text, int at, int end, KeptText words)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at, Math.Min(end - at, MaxWords));
        if (rest.StartsWith("(((") && rest.IndexOf(")))") is > 3 and int hidden)
        {
            words.Cut(at, at + hidden + 3);
            return at + hidden + 3;
        }

        if (rest.StartsWith("((") && rest.IndexOf("))") is > 2 and int shown && rest[2..shown].IndexOfAny("()") < 0)
        {
            words.Cut(at, at + 2);
            words.Cut(at + shown, at + shown + 2);
            return at + shown + 2;
        }

        return at + 1;
    }

    // `+words+` are words as they stand.
    private static int Literal(string text, int at, int end, KeptText words)
    {
        if (at + 1 >= end || text[at + 1] != '+')
        {
            return at + 1;
        }

        int close = text.AsSpan(at + 2, Math.Min(end - at - 2, MaxWords)).IndexOf("+`");
        if (close < 0)
        {
            return at + 2;
        }

        words.Cut(at + 1, at + 2);
        words.Cut(at + 2 + close, at + 3 + close);
        return at + 4 + close;
    }

    private static int Attribute(string text, int at, int end, KeptText words)
    {
        int close = text.AsSpan(at, Math.Min(end - at, 16)).IndexOf('}');
        if (close > 0 && Nothing.Contains(text.Substring(at, close + 1)))
        {
            words.Cut(at, at + close + 1);
            return at + close + 1;
        }

        return at + 1;
    }

    private static bool IsTarget(char c) => !char.IsWhiteSpace(c) && c is not ('[' or ']' or '(' or '"' or '<' or '|');

    // Brackets within are parts of the words.
    private static int Closing(ReadOnlySpan<char> rest)
    {
        int depth = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            depth += rest[i] switch
            {
                '[' => 1,
                ']' => -1,
                _ => 0,
            };
            if (depth == 0)
            {
                return i;
            }
        }

        return -1;
    }
}
