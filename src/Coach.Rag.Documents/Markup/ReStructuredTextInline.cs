using System.Buffers;

namespace Coach.Rag.Documents.Markup;

/// <summary>
/// The markup within lines of reStructuredText: roles, references and literals become their words. Addresses of the
/// web stay, targets within the documents do not.
/// </summary>
internal sealed class ReStructuredTextInline
{
    private const int MaxName = 64;

    private static readonly SearchValues<char> Marks = SearchValues.Create("`:[_\\");

    private readonly string _text;

    // Names that a document defines: "word_" refers to them, and is a name like any other elsewhere.
    private readonly HashSet<string> _targets = new(StringComparer.OrdinalIgnoreCase);

    public ReStructuredTextInline(LineReader lines)
    {
        _text = lines.Text;
        for (int line = 0; line < lines.Count; line++)
        {
            ReadOnlySpan<char> content = lines[line].TrimStart();
            if (content.StartsWith(".. _") && content.IndexOf(": ") is > 4 and int end)
            {
                _targets.Add(content[4..end].Trim('`').ToString());
            }
        }
    }

    /// <summary>A range of the text as its words.</summary>
    public KeptText Words(int start, int end)
    {
        var words = new KeptText(_text, start, end);
        int lastTick = _text.LastIndexOf('`', Math.Max(start, end - 1), Math.Max(0, end - start));
        for (int at = start; at < end;)
        {
            int found = _text.AsSpan(at, end - at).IndexOfAny(Marks);
            if (found < 0)
            {
                break;
            }

            at += found;
            at = Math.Max(at + 1, _text[at] switch
            {
                '\\' => Escape(at, end, words),
                ':' => Role(at, end, lastTick, words),
                '`' => Quoted(at, at, end, lastTick, words),
                '[' => Footnote(at, end, words),
                _ => Reference(at, end, lastTick, words),
            });
        }

        return words;
    }

    private int Escape(int at, int end, KeptText words)
    {
        bool isSpace = at + 1 < end && char.IsWhiteSpace(_text[at + 1]);
        words.Cut(at, at + (isSpace ? 2 : 1));
        return at + 2;
    }

    // :name:`words`, :domain:name:`words`
    private int Role(int at, int end, int lastTick, KeptText words)
    {
        bool isWithin = at > 0 && (char.IsLetterOrDigit(_text[at - 1]) || _text[at - 1] == ':');
        if (isWithin || at >= lastTick || at + 1 >= end || !char.IsAsciiLetter(_text[at + 1]))
        {
            return at + 1;
        }

        int tick = at + 1;
        while (tick < end && tick - at < MaxName
            && (char.IsAsciiLetterOrDigit(_text[tick]) || _text[tick] is ':' or '-' or '_' or '.' or '+'))
        {
            tick++;
        }

        bool isRole = tick < end && _text[tick] == '`' && _text[tick - 1] == ':';
        return isRole ? Quoted(at, tick, end, lastTick, words) : at + 1;
    }

    // What stands in back ticks, and a role before them if it starts before them.
    private int Quoted(int from, int tick, int end, int lastTick, KeptText words)
    {
        bool isLiteral = tick + 1 < end && _text[tick + 1] == '`' && from == tick;
        int body = tick + (isLiteral ? 2 : 1);
        if (body > lastTick)
        {
            return body;
        }

        int close = _text.AsSpan(body, end - body).IndexOf(isLiteral ? "``" : "`");
        if (close < 0)
        {
            return body;
        }

        close += body;
        if (isLiteral)
        {
            words.Cut(tick, tick + 1);
            words.Cut(close, close + 1);
            return close + 2;
        }

        int after = close + 1;
        while (after < end && after - close <= 2 && _text[after] == '_')
        {
            after++;
        }

        if (from == tick && after == close + 1)
        {
            return after;       // of the default role: back ticks are as good a mark as any
        }

        int target = Target(body, close);
        int first = target > body && _text[body] is '!' or '~' ? body + 1 : body;
        words.Cut(from, first);
        words.Cut(target, after);
        return after;
    }

    // Where the words end: before " <target>", unless that is an address that says something by itself.
    private int Target(int body, int close)
    {
        if (_text[close - 1] != '>')
        {
            return close;
        }

        int open = _text.AsSpan(body, close - body).LastIndexOf('<');
        ReadOnlySpan<char> target = open < 0 ? default : _text.AsSpan(body + open, close - body - open);
        bool isAddress = target.Contains("://", StringComparison.Ordinal) || target.StartsWith("<mailto:");
        if (open <= 0 || isAddress || !char.IsWhiteSpace(_text[body + open - 1]))
        {
            return close;
        }

        return body + _text.AsSpan(body, open).TrimEnd().Length;
    }

    // [1]_, [#name]_ and [*]_ point at notes; of [Name2000]_ the name stays.
    private int Footnote(int at, int end, KeptText words)
    {
        int close = _text.AsSpan(at, Math.Min(end - at, MaxName)).IndexOf(']');
        if (close < 2 || at + close + 1 >= end || _text[at + close + 1] != '_')
        {
            return at + 1;
        }

        bool isNote = _text[at + 1] is '#' or '*'
            || _text.AsSpan(at + 1, close - 1).IndexOfAnyExceptInRange('0', '9') < 0;
        words.Cut(isNote ? at : at + close + 1, at + close + 2);
        return at + close + 2;
    }

    // "word_", and "_`words`" that others refer to.
    private int Reference(int at, int end, int lastTick, KeptText words)
    {
        if (at + 1 < end && _text[at + 1] == '`' && at + 2 <= lastTick)
        {
            int close = _text.AsSpan(at + 2, end - at - 2).IndexOf('`');
            if (close > 0)
            {
                words.Cut(at, at + 2);
                words.Cut(at + 2 + close, at + 3 + close);
                return at + 3 + close;
            }
        }

        int start = at;
        while (start > words.At && at - start < MaxName
            && (char.IsLetterOrDigit(_text[start - 1]) || _text[start - 1] is '-' or '.'))
        {
            start--;
        }

        bool isEnd = at + 1 >= end || !(char.IsLetterOrDigit(_text[at + 1]) || _text[at + 1] == '_');
        if (isEnd && start < at && _targets.Contains(_text[start..at]))
        {
            words.Cut(at, at + 1);
        }

        return at + 1;
    }
}
