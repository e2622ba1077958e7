using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Coach.Llm.Mock;

/// <summary>What of a passage can be quoted: a sentence, or a block that is quoted whole.</summary>
/// <param name="Text">As it is quoted: cleaned of markup, a block in its lines.</param>
/// <param name="IsBlock">Whether it is code, a table or a list of options.</param>
internal sealed record PassageUnit(string Text, bool IsBlock);

/// <summary>
/// Cuts a passage into sentences and blocks. Code, tables and lists of options are blocks: no sentence begins or ends
/// in one. Sentences end as Latin, Chinese and Japanese writing end them.
/// </summary>
internal static partial class PassageUnits
{
    private const int MaxSentence = 600;
    private const int MaxBlockLines = 16;
    private const int MaxTableLines = 6;
    private const int FewLines = 2;

    // An address may hold one pair of brackets and be followed by a title.
    private const string LinkText = @"\[([^\[\]]+)\]";
    private const string LinkTarget = @"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?:\s+""[^""]*"")?\)";
    private const string LinkName = @"\[[^\[\]]*\]";

    // Of the private use area: no text means anything by it.
    private const char Mark = '\uE000';

    public static IEnumerable<PassageUnit> Of(string text)
    {
        string[] lines = text.Split('\n');
        var paragraph = new List<string>();
        bool wasBlank = true;
        for (int i = 0; i < lines.Length;)
        {
            int end = BlockEnd(lines, i, wasBlank, out string? block);
            if (end > i)
            {
                foreach (PassageUnit unit in Sentences(paragraph))
                {
                    yield return unit;
                }

                if (block is not null)
                {
                    yield return new PassageUnit(block, IsBlock: true);
                }

                i = end;
                wasBlank = true;
                continue;
            }

            string line = lines[i++].Trim();
            wasBlank = line.Length == 0;
            if (wasBlank || line.StartsWith('#') || ListMark().IsMatch(line))
            {
                foreach (PassageUnit unit in Sentences(paragraph))
                {
                    yield return unit;
                }
            }

            // A heading helps the sentences below it, and is none itself.
            if (!wasBlank && !line.StartsWith('#'))
            {
                paragraph.Add(ListMark().Replace(line, ""));
            }
        }

        foreach (PassageUnit unit in Sentences(paragraph))
        {
            yield return unit;
        }
    }

    /// <summary>
    /// What a unit is judged by: a table by each of its rows, of a long one with its head alone, code by each line.
    /// </summary>
    public static IEnumerable<(PassageUnit Unit, string Scored)> Parts(PassageUnit unit)
    {
        if (!unit.IsBlock)
        {
            return [(unit, unit.Text)];
        }

        string[] lines = unit.Text.Split('\n');
        if (IsFence(lines[0]))
        {
            return [.. lines[1..^1].Where(line => line.Any(char.IsLetterOrDigit)).Select(line => (unit, line))];
        }

        int head = lines.Length > 1 && !lines[1].Any(char.IsLetterOrDigit) ? FewLines : 0;
        bool isLong = lines.Length > MaxTableLines;
        return
        [
            .. lines[head..].Where(row => row.Any(char.IsLetterOrDigit)).Select(row => (
                isLong ? unit with { Text = string.Join('\n', [.. lines[..head], row]) } : unit, row)),
        ];
    }

    /// <summary>The lines of a block that say most to a question: its first ones, then those with its words.</summary>
    public static string Shorten(string block, Func<string, bool> isWanted)
    {
        string[] lines = block.Split('\n');
        if (lines.Length <= MaxBlockLines)
        {
            return block;
        }

        bool isFenced = IsFence(lines[0]);
        int head = lines[0].StartsWith('|') ? FewLines : MaxBlockLines / FewLines;
        IEnumerable<string> kept = lines.Take(head).Concat(lines.Skip(head).Where(isWanted).Take(MaxBlockLines - head));
        if (isFenced)
        {
            kept = kept.Where((line, at) => at == 0 || !IsFence(line)).Append("```");
        }

        return string.Join('\n', kept);
    }

    // Where the block that begins at a line ends; the line itself when none does.
    private static int BlockEnd(string[] lines, int start, bool isAfterBlank, out string? block)
    {
        block = null;
        if (IsFence(lines[start]))
        {
            int end = start + 1;
            while (end < lines.Length && !IsFence(lines[end]))
            {
                end++;
            }

            block = Fenced(lines[(start + 1)..end]);
            return Math.Min(end + 1, lines.Length);
        }

        int rows = Run(lines, start, static line => IsRow(line));
        if (rows >= FewLines)
        {
            block = string.Join('\n', lines[start..(start + rows)].Select(row => Clean(row.Trim())));
            return start + rows;
        }

        int code = isAfterBlank ? Run(lines, start, static line => IsIndented(line)) : 0;
        code = Math.Max(code, Run(lines, start, static line => IsStatement(line)));
        code = Math.Max(code, Run(lines, start, static line => Option().IsMatch(line)));
        if (code < FewLines)
        {
            return start;
        }

        block = Fenced(lines[start..(start + code)]);
        return start + code;
    }

    private static int Run(string[] lines, int start, Func<string, bool> belongs)
    {
        int end = start;
        while (end < lines.Length && belongs(lines[end]))
        {
            end++;
        }

        return end - start;
    }

    private static string? Fenced(string[] lines)
    {
        string code = string.Join('\n', lines.Select(line => line.TrimEnd())).Trim('\n');
        return code.Trim().Length == 0 ? null : $"```\n{code}\n```";
    }

    public static bool IsFence(string line) =>
        line.AsSpan().TrimStart().StartsWith("```", StringComparison.Ordinal)
        || line.AsSpan().TrimStart().StartsWith("~~~", StringComparison.Ordinal);

    private static bool IsRow(string line)
    {
        ReadOnlySpan<char> row = line.AsSpan().Trim();
        return row.StartsWith("|", StringComparison.Ordinal) || row.Count(" | ") >= FewLines;
    }

    private static bool IsIndented(string line) =>
        (line.StartsWith("    ", StringComparison.Ordinal) || line.StartsWith('\t'))
        && line.Trim().Length > 0
        && !ListMark().IsMatch(line.TrimStart());

    // A line of a program, in the languages that end or open one with a mark.
    private static bool IsStatement(string line)
    {
        string code = line.Trim();
        return code.Length > 0 && (code[^1] is ';' or '{' or '}' || code.StartsWith("$ ", StringComparison.Ordinal));
    }

    private static IEnumerable<PassageUnit> Sentences(List<string> paragraph)
    {
        string text = string.Join(' ', paragraph);
        paragraph.Clear();
        int start = 0;
        bool isCode = false;
        for (int i = 0; i < text.Length; i++)
        {
            isCode ^= text[i] == '`';
            bool isLast = i + 1 == text.Length;
            if (!isLast && i - start < MaxSentence && (isCode || !IsEnd(text, i)))
            {
                continue;
            }

            string sentence = Quotable(text[start..(i + 1)].Trim());
            start = i + 1;
            if (sentence.Length > 1 && sentence.Any(char.IsLetterOrDigit) && !sentence.Any(IsDrawn))
            {
                yield return new PassageUnit(sentence, IsBlock: false);
            }
        }
    }

    private static bool IsEnd(string text, int at) => text[at] switch
    {
        '。' or '！' or '？' or '．' or '｡' => text[at + 1] is not ('」' or '』' or '）' or '”' or '。' or '！' or '？'),
        '」' or '』' or '）' or '”' => at > 0 && text[at - 1] is '。' or '！' or '？',
        '.' or '!' or '?' => text[at + 1] == ' ' && !IsAbbreviation(text, at),
        _ => false,
    };

    // "e.g. this", "Mr. Smith", "no. 5": a full stop after a short word whose follower does not begin a sentence.
    private static bool IsAbbreviation(string text, int dot) =>
        text[dot] == '.' && dot + 2 < text.Length && (char.IsLower(text[dot + 2]) || char.IsDigit(text[dot + 2]))
        && (dot < 3 || text.AsSpan(Math.Max(0, dot - 3), Math.Min(3, dot)).ContainsAny(' ', '.'));

    // Box drawing and block elements: a part of a figure, whose words no sentence joins.
    private static bool IsDrawn(char c) => c is >= '\u2500' and <= '\u259F';

    // Numbers in brackets would pose as citations of this answer, and half a code span would take the citation into the
    // code.
    private static string Quotable(string sentence)
    {
        string clean = BracketedNumbers().Replace(Clean(sentence), "").Trim();
        return clean.Count(c => c == '`') % 2 == 0 ? clean : clean.Replace("`", "", StringComparison.Ordinal);
    }

    // Markdown and HTML outside code spans, which stay as they are: a mark takes the place of each meanwhile.
    private static string Clean(string text)
    {
        var spans = new List<string>();
        string marked = CodeSpan().Replace(text.Replace(Mark, ' '), span =>
        {
            spans.Add(span.Value);
            return Mark.ToString();
        });
        var clean = new StringBuilder(text.Length);
        int next = 0;
        foreach (char c in Plain(marked))
        {
            if (c == Mark)
            {
                clean.Append(next < spans.Count ? spans[next++] : "");
            }
            else
            {
                clean.Append(c);
            }
        }

        return clean.ToString();
    }

    private static string Plain(string text)
    {
        string plain = Image().Replace(text, "$1");
        plain = Link().Replace(plain, "$1");
        plain = Tag().Replace(plain, "");
        plain = Anchor().Replace(plain, "");
        plain = Strong().Replace(plain, "$2");
        plain = Emphasis().Replace(plain, "$1");
        return Escape().Replace(WebUtility.HtmlDecode(plain), "$1");
    }

    [GeneratedRegex(@" ?(?:\[[\^\d,;–\- ]*\d[\d,;–\- ]*\]|【[\d,;–\- ]*\d[^】]*】)")]
    private static partial Regex BracketedNumbers();

    [GeneratedRegex(@"^(?:>\s?|\[![A-Z]+\]\s*|(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?)+")]
    private static partial Regex ListMark();

    [GeneratedRegex(@"^\s*(?:--?[A-Za-z][\w-]*(?:[ ,=].*)?|[A-Z][A-Z0-9_]{2,}\s*=.*)$")]
    private static partial Regex Option();

    [GeneratedRegex(@"!\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Image();

    [GeneratedRegex(LinkText + "(?:" + LinkTarget + "|" + LinkName + ")")]
    private static partial Regex Link();

    [GeneratedRegex(@"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s?\{[#.:][^{}]*\}")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"(\*\*|__|~~)(?=\S)([^*_~]+?)\1")]
    private static partial Regex Strong();

    [GeneratedRegex(@"(?<![\w*\\])[*_](?=\S)([^*_]+?)(?<=\S)[*_](?![\w*])")]
    private static partial Regex Emphasis();

    [GeneratedRegex(@"\\([\\`*_{}\[\]()#+\-.!|<>~])")]
    private static partial Regex Escape();

    [GeneratedRegex("`[^`]+`")]
    private static partial Regex CodeSpan();
}
