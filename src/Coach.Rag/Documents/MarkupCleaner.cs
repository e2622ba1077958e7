using System.Buffers;
using System.Text.RegularExpressions;

namespace Coach.Rag.Documents;

/// <summary>
/// Finds in a line of Markdown what is no text: anchors, shortcodes and macros (their words are kept), tags and
/// components, comments, scripts, imports, links that hold a file. What stands in code marks is left alone. Every
/// search
/// forward is bounded, so a line costs no more than its length times a constant.
/// </summary>
internal sealed class MarkupCleaner(string text, RemovedMarkup removed, bool isMdx, IReadOnlyList<Regex> patterns)
{
    private const int MaxTag = 4_000;
    private const int MaxTagName = 64;
    private const int MaxMacro = 2_000;
    private const int MaxFruitless = 4_096;
    private const int ShortReach = 200;

    private static readonly HashSet<string> Elements = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "abbr", "address", "article", "aside", "audio", "b", "big", "blockquote", "body", "br", "button",
            "caption",
        "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "embed",
        "figcaption", "figure", "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i",
        "iframe", "img", "input", "ins", "kbd", "label", "li", "link", "main", "mark", "meta", "nav", "noscript",
            "object",
        "ol", "option", "p", "param", "picture", "pre", "q", "s", "samp", "section", "select", "small", "source",
            "span",
        "strike", "strong", "sub", "summary", "sup", "svg", "path", "table", "tbody", "td", "template", "textarea",
            "tfoot",
        "nobr", "acronym", "ruby", "rt", "rp", "bdi", "bdo", "fieldset", "legend", "polygon", "polyline", "ellipse",
        "defs", "th", "thead", "time", "tr", "track", "tt", "u", "ul", "var", "video", "wbr", "script", "style", "rect",
        "g",
            "circle",
    };

    private static readonly HashSet<string> Inline = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "nobr", "code", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "label", "mark", "q",
            "s",
        "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
    };

    private const int MaxAttributes = 300;

    private static readonly SearchValues<char> Marks = SearchValues.Create("`{<![;\\:&+");

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_+-");

    // Of icons by their library: ":material-check:" is a check mark.
    private static readonly string[] IconLibraries =
        ["material-", "octicons-", "fontawesome-solid-", "fontawesome-brands-", "fontawesome-regular-", "simple-",
            "custom-"];

    private static readonly string[] KeptAttributes =
        ["text", "title", "label", "caption", "alt", "description", "summary"];

    private static readonly Queue<(int Start, int End)> NoMatches = new();

    // Ends that are nowhere in the rest of the text.
    private readonly HashSet<string> _missing = new(StringComparer.OrdinalIgnoreCase);

    private HashSet<string>? _closed;

    // After so many searches for an end that was not near, others look less far.
    private int _fruitless;

    // The line that is looked through.
    private int _from;
    private int _to;

    /// <summary>Looks through a line, or what is left of it.</summary>
    public void Run(int from, int to)
    {
        (_from, _to) = (from, to);
        if (IsImport(from, to, out int importEnd))
        {
            removed.Add(from, importEnd, isSpace: true);
            return;
        }

        Queue<(int Start, int End)> own = patterns.Count == 0 ? NoMatches : Matches(from, to);
        for (int at = Math.Max(from, removed.End); at < to;)
        {
            int found = text.AsSpan(at, to - at).IndexOfAny(Marks);
            int next = found < 0 ? to : at + found;
            while (own.TryPeek(out (int Start, int End) passed) && passed.Start < at)
            {
                own.Dequeue();      // within code
            }

            if (own.TryPeek(out (int Start, int End) match) && match.Start <= next)
            {
                own.Dequeue();
                removed.Add(match.Start, match.End);
                at = Math.Max(at, match.End);
                continue;
            }

            if (next == to)
            {
                return;
            }

            at = next;
            at = Math.Max(text[at] switch
            {
                '`' => CodeEnd(at, to),
                '\\' => at + 2,
                '{' => Braces(at, to),
                '<' => Tag(at),
                '!' or '[' => Link(at, to),
                ';' => Data(at, to),
                ':' => Emoji(at, to),
                '&' => Reference(at, to),
                '+' => Keys(at, to),
                _ => at + 1,
            }, at + 1);
        }
    }

    // What a link shows is looked through like any text.
    private void Words(int from, int to)
    {
        (int lineStart, int lineEnd) = (_from, _to);
        Run(from, to);
        (_from, _to) = (lineStart, lineEnd);
    }

    private Queue<(int Start, int End)> Matches(int from, int to)
    {
        var found = new List<(int Start, int End)>();
        foreach (Regex pattern in patterns)
        {
            foreach (ValueMatch match in pattern.EnumerateMatches(text.AsSpan(from, to - from)))
            {
                found.Add((from + match.Index, from + match.Index + match.Length));
            }
        }

        found.Sort();
        return new Queue<(int Start, int End)>(found);
    }

    private int CodeEnd(int at, int to)
    {
        int count = 1;
        while (at + count < to && text[at + count] == '`')
        {
            count++;
        }

        to = Math.Min(to, at + MaxTag);
        for (int i = at + count; i < to; i++)
        {
            int length = 0;
            while (i + length < to && text[i + length] == '`')
            {
                length++;
            }

            if (length == count)
            {
                return i + length;
            }

            i += Math.Max(0, length - 1);
        }

        return at + count;
    }

    private int Braces(int at, int to)
    {
        char second = at + 1 < text.Length ? text[at + 1] : '\0';
        if (second is '{' or '%')
        {
            string close = second == '{' ? "}}" : "%}";
            int length = IndexOf(close, at + 2, MaxMacro);
            return length < 0 ? at + 2 : Macro(at, length + 2);
        }

        if (second is '#' or ':' or '.')
        {
            int length = Math.Min(to, at + MaxMacro) - at;
            int close = text.AsSpan(at, length).IndexOf('}');
            if (close < 0)
            {
                return at + 1;
            }

            // "{#id}" after a space takes the space along.
            int start = at > removed.End && text[at - 1] == ' ' && at + close + 1 >= to ? at - 1 : at;
            removed.Add(start, at + close + 1);
            return at + close + 1;
        }

        // "{* ../docs/example.py hl[1] *}" shows a file.
        if (second == '*' && IndexOf("*}", at + 2, Math.Min(to - at, MaxMacro)) is > 0 and int shown)
        {
            removed.Add(at, shown + 2);
            return shown + 2;
        }

        if (AttributesEnd(at, to) is > 0 and int attributes)
        {
            int start = at > removed.End && text[at - 1] == ' ' && attributes >= to ? at - 1 : at;
            removed.Add(start, attributes);
            return attributes;
        }

        if (RoleEnd(at, to) is > 0 and int role)
        {
            removed.Add(at, role);
            return role;
        }

        if (isMdx || second == '/')
        {
            return Expression(at, to);
        }

        return at + 1;
    }

    // "{ #id .name key=value }": attributes of what stands before it. Values alone are attributes only right after a
    // link, a picture or code, or as an element has them at the end of a line; elsewhere they may be a set.
    private int AttributesEnd(int at, int to)
    {
        int close = text.AsSpan(at, Math.Min(to - at, MaxAttributes)).IndexOf('}');
        if (close < 2)
        {
            return -1;
        }

        bool isAttached = at > _from && text[at - 1] is ')' or ']' or '`' or '/';
        bool isLast = text.AsSpan(at + close + 1, to - at - close - 1).IsWhiteSpace();
        bool hasName = false;
        ReadOnlySpan<char> inner = text.AsSpan(at + 1, close - 1).Trim();
        while (!inner.IsEmpty)
        {
            int length = TokenLength(inner);
            ReadOnlySpan<char> token = inner[..length];
            inner = inner[length..].TrimStart();
            bool isName = token.Length > 1 && token[0] is '#' or '.' && (char.IsLetter(token[1]) || token[1] == '_');
            bool isValue = token.IndexOf('=') > 0 && char.IsAsciiLetter(token[0]);
            bool isOfElement = isLast && (token.StartsWith("data-") || token.StartsWith("id=")
                || token.StartsWith("class=") || token.StartsWith("title="));
            bool isFlag = isOfElement || (hasName && token.StartsWith("data-"));
            if (!token.IsEmpty && !isName && !isFlag && !(isValue && (isAttached || hasName)))
            {
                return -1;
            }

            hasName |= isName || isOfElement || (isValue && isAttached);
        }

        return hasName ? at + close + 1 : -1;
    }

    // To the next space that no quotes are around.
    private static int TokenLength(ReadOnlySpan<char> text)
    {
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            isQuoted ^= text[i] == '"';
            if (text[i] == ' ' && !isQuoted)
            {
                return i;
            }
        }

        return text.Length;
    }

    // "{ref}`words`" of MyST: the role says how its words are shown.
    private int RoleEnd(int at, int to)
    {
        int end = at + 1;
        while (end < to && end - at < 32
            && (char.IsAsciiLetterLower(text[end]) || char.IsAsciiDigit(text[end]) || text[end] is ':' or '-' or '_'))
        {
            end++;
        }

        bool isRole = end > at + 1 && end + 1 < to && text[end] == '}' && text[end + 1] == '`'
            && (at == 0 || !char.IsLetterOrDigit(text[at - 1]));
        return isRole && text.AsSpan(end + 2, to - end - 2).Contains('`') ? end + 1 : -1;
    }

    // ":name:" between spaces is a picture: in a table its name says something, elsewhere it decorates.
    private int Emoji(int at, int to)
    {
        int length = at + 1 >= to ? 0 : text.AsSpan(at + 1, Math.Min(to - at - 1, 64)).IndexOfAnyExcept(NameCharacters);
        int end = at + 1 + length;
        bool isName = length > 1 && end < to && text[end] == ':'
            && (char.IsAsciiLetter(text[at + 1]) || text.AsSpan(at + 1, length) is "+1" or "-1");
        bool isApart = at == _from || char.IsWhiteSpace(text[at - 1])
            || text[at - 1] is '|' or '(' or '[' or '*' or '>' or '"';
        bool isEnd = end + 1 >= to || char.IsWhiteSpace(text[end + 1])
            || text[end + 1] is '|' or ')' or ']' or '*' or '{' or '.' or ',' or '!' or '?' or '<' or '"';
        if (!isName || !isApart || !isEnd)
        {
            return at + 1;
        }

        if (!text.AsSpan(_from, _to - _from).Contains('|'))
        {
            removed.Add(at, end + 1);
            return end + 1;
        }

        ReadOnlySpan<char> name = text.AsSpan(at + 1, length);
        int library = 0;
        foreach (string each in IconLibraries)
        {
            library = name.StartsWith(each) ? each.Length : library;
        }

        removed.Add(at, at + 1 + library);
        removed.Add(end, end + 1);
        return end + 1;
    }

    // "&mdash;" is the character that it names. A bar stays escaped: it would part a table's cells.
    private int Reference(int at, int to)
    {
        int length = Math.Min(to - at, CharacterReference.MaxLength);
        int close = text.AsSpan(at, length).IndexOf(';');
        if (close < 2 || CharacterReference.Find(text.AsSpan(at, close + 1)) is not { } found
            || found.Length != close + 1)
        {
            return at + 1;
        }

        switch (found.Text)
        {
            case "\u00A0" or "\u2002" or "\u2003" or "\u2009" or " ":
                removed.Add(at, at + close + 1, isSpace: true);
                break;
            case "\u00AD" or "\u200B" or "\u200C" or "\u200D" or "\u2060":
                removed.Add(at, at + close + 1);
                break;
            case "|":
                removed.Replace(at, at + close + 1, "\\|");
                break;
            default:
                // A passage begins and ends with characters of the file.
                bool isEdge = text.AsSpan(at + close + 1, to - at - close - 1).IsWhiteSpace()
                    || removed.Rest(_from, at).AsSpan().IsWhiteSpace();
                if (!isEdge)
                {
                    removed.Replace(at, at + close + 1, found.Text);
                }

                break;
        }

        return at + close + 1;
    }

    // "++ctrl+alt+del++" shows keys.
    private int Keys(int at, int to)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at, Math.Min(to - at, 64));
        bool isOpen = rest.Length > 4 && rest[1] == '+' && char.IsAsciiLetterOrDigit(rest[2])
            && (at == _from || !char.IsLetterOrDigit(text[at - 1]));
        int close = isOpen ? rest[2..].IndexOf("++") : -1;
        if (close < 1 || rest[2..(close + 2)].IndexOfAnyExcept(NameCharacters) >= 0)
        {
            return at + 1;
        }

        removed.Add(at, at + 2);
        removed.Add(at + 2 + close, at + 4 + close);
        return at + 4 + close;
    }

    // The words that a shortcode or macro shows are text: text="…" and its like, or the last string it is called
    // with.
    private int Macro(int start, int end)
    {
        (int From, int To)? kept = null;
        ReadOnlySpan<char> inner = text.AsSpan(start, end - start);
        foreach (string name in KeptAttributes)
        {
            int at = inner.IndexOf(name + "=", StringComparison.OrdinalIgnoreCase);
            if (at > 0 && !char.IsLetterOrDigit(inner[at - 1]) && Quoted(start + at + name.Length + 1, end)
                is { } value)
            {
                kept = value;
                break;
            }
        }

        int call = inner.IndexOf('(');
        if (kept is null && call > 2 && char.IsLetterOrDigit(inner[call - 1]))
        {
            int argument = start + call + 1;
            for (int i = 0; i < 2 && Quoted(argument, end) is { } value; i++)
            {
                kept = value;
                argument = value.To + 1;
                while (argument < end && text[argument] is ',' or ' ')
                {
                    argument++;
                }
            }
        }

        if (kept is { } words && words.To > words.From)
        {
            removed.Add(start, words.From);
            removed.Add(words.To, end);
        }
        else
        {
            removed.Add(start, end);
        }

        return end;
    }

    private (int From, int To)? Quoted(int at, int end)
    {
        if (at >= end || text[at] is not ('"' or '\''))
        {
            return null;
        }

        int close = text.AsSpan(at + 1, end - at - 1).IndexOf(text[at]);
        return close < 0 ? null : (at + 1, at + 1 + close);
    }

    // {/* comment */}, {expression}, {'words'} of MDX.
    private int Expression(int at, int to)
    {
        if (text.AsSpan(at).StartsWith("{/*"))
        {
            int close = IndexOf("*/}", at + 3, MaxTag);
            if (close < 0)
            {
                return at + 1;
            }

            removed.Add(at, close + 3, isSpace: true);
            return close + 3;
        }

        int end = BraceEnd(at, Math.Min(text.Length, at + Reach(MaxMacro)));
        if (!isMdx || end < 0)
        {
            return at + 1;
        }

        if (Quoted(at + 1, end - 1) is { } words && words.To == end - 2)
        {
            removed.Add(at, words.From);
            removed.Add(words.To, end);
        }
        else
        {
            removed.Add(at, end);
        }

        return end;
    }

    private int BraceEnd(int at, int limit)
    {
        int depth = 0;
        for (int i = at; i < limit; i++)
        {
            if (text[i] == '{')
            {
                depth++;
            }
            else if (text[i] == '}')
            {
                depth--;
            }

            if (depth == 0)
            {
                return i + 1;
            }
        }

        _fruitless++;
        return -1;
    }

    private int Reach(int most) => _fruitless > MaxFruitless ? Math.Min(most, ShortReach) : most;

    private int Tag(int at)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        if (rest.StartsWith("<!--"))
        {
            int close = IndexOf("-->", at + 4, text.Length);
            if (close >= 0)
            {
                removed.Add(at, close + 3, isSpace: true);
            }

            return close < 0 ? at + 4 : close + 3;
        }

        // "<xref:System.String?displayProperty=fullName>" of DocFX.
        if (rest.StartsWith("<xref:") && rest[..Math.Min(rest.Length, MaxAttributes)].IndexOf('>') is > 6 and int xref)
        {
            int words = rest[..xref].IndexOf('?');
            removed.Add(at, at + 6);
            removed.Add(at + (words < 0 ? xref : words), at + xref + 1);
            return at + xref + 1;
        }

        bool isEnd = rest is ['<', '/', ..];
        int start = at + (isEnd ? 2 : 1);
        int end = start;
        while (end < text.Length && end - start < 64
            && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '.' or '-' or '_'))
        {
            end++;
        }

        if (rest.StartsWith("<>") || rest.StartsWith("</>"))
        {
            if (isMdx)
            {
                removed.Add(at, end + 1);
            }

            return end + 1;
        }

        if (end == start || !char.IsAsciiLetter(text[start]) || end >= text.Length
            || !(char.IsWhiteSpace(text[end]) || text[end] is '>' or '/'))
        {
            return at + 1;
        }

        int close2 = TagEnd(end);
        if (close2 < 0)
        {
            return at + 1;
        }

        string name = text[start..end];
        return IsMarkup(name, at, end, close2, isEnd) ? RemoveTag(name, at, end, close2, isEnd) : at + 1;
    }

    private int RemoveTag(string name, int at, int nameEnd, int end, bool isEnd)
    {
        if (!isEnd && name.ToLowerInvariant() is "script" or "style" && text[end - 2] != '/')
        {
            int close = IndexOf("</" + name, end, text.Length);
            int after = close < 0 ? -1 : text.IndexOf('>', close);
            end = after < 0 ? end : after + 1;
            removed.Add(at, end, isSpace: true);
            return end;
        }

        // What a picture or a component says in words is text.
        (int From, int To)? kept = null;
        bool isSpace = !Inline.Contains(name) && !IsWithinWord(name, at, end, isEnd);
        foreach (string attribute in isEnd ? [] : KeptAttributes)
        {
            int found = text.AsSpan(nameEnd, end - nameEnd).IndexOf(" " + attribute + "=", StringComparison.Ordinal);
            if (found >= 0 && isSpace && Quoted(nameEnd + found + attribute.Length + 2, end) is { } value
                && value.To > value.From)
            {
                kept = value;
                break;
            }
        }

        if (kept is { } words)
        {
            removed.Add(at, words.From, isSpace: true);
            removed.Add(words.To, end, isSpace: true);
        }
        else
        {
            removed.Add(at, end, isSpace);
        }

        return end;
    }

    // "<Step>Call</Step>s": a component in a word parts it no more than emphasis does.
    private bool IsWithinWord(string name, int at, int end, bool isEnd) =>
        char.IsAsciiLetterUpper(name[0]) && (isEnd
            ? end < text.Length && text[end] != '<' && !char.IsWhiteSpace(text[end])
            : at > 0 && char.IsLetterOrDigit(text[at - 1]));

    // "List<String>" in a sentence, and "<your-name>" to be filled in, are words.
    private bool IsMarkup(string name, int at, int nameEnd, int end, bool isEnd)
    {
        if (Elements.Contains(name))
        {
            return true;
        }

        bool hasValues = text.AsSpan(nameEnd, end - nameEnd).Contains('=');
        if (at > 0 && char.IsLetterOrDigit(text[at - 1]) && !isMdx && !isEnd && !hasValues)
        {
            return false;
        }

        bool isComponent = char.IsAsciiLetterUpper(name[0])
            || (name.Contains('-', StringComparison.Ordinal) && (isEnd || hasValues));
        return isComponent && (isEnd || isMdx || text[end - 2] == '/' || hasValues || Closed.Contains(name));
    }

    // The names of all end tags.
    private HashSet<string> Closed
    {
        get
        {
            if (_closed is not null)
            {
                return _closed;
            }

            _closed = new HashSet<string>(StringComparer.Ordinal);
            for (int at = text.IndexOf("</", StringComparison.Ordinal); at >= 0;
                at = text.IndexOf("</", at + 2, StringComparison.Ordinal))
            {
                ReadOnlySpan<char> name = text.AsSpan(at + 2, Math.Min(MaxTagName, text.Length - at - 2));
                int end = name.IndexOf('>');
                if (end > 0)
                {
                    _closed.Add(name[..end].TrimEnd().ToString());
                }
            }

            return _closed;
        }
    }

    // The end of a tag: quotes and braces may hold a ">".
    private int TagEnd(int at)
    {
        int limit = Math.Min(text.Length, at + Reach(MaxTag));
        char quote = '\0';
        int depth = 0;
        for (int i = at; i < limit; i++)
        {
            char c = text[i];
            if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
                continue;
            }

            switch (c)
            {
                case '"' or '\'' when i > 0 && text[i - 1] is '=' or '{' or '(' or ',' or ' ' or '[':
                    quote = c;
                    break;
                case '{':
                    depth++;
                    break;
                case '}':
                    depth--;
                    break;
                case '>' when depth <= 0 && text[i - 1] != '=':
                    return i + 1;
                case '<' when depth <= 0:
                    return -1;
                case '\n' when i + 1 < limit && text[i + 1] is '\n' && depth <= 0:
                    return -1;
            }
        }

        _fruitless++;
        return -1;
    }

    // ![words](data:…), [words](data:…), and links without words.
    private int Link(int at, int to)
    {
        int open = text[at] == '!' ? at + 1 : at;
        if (open >= to || text[open] != '[')
        {
            return at + 1;
        }

        // "[[Page]]" of a wiki, "![[file]]" of a vault.
        if (open + 2 < to && text[open + 1] == '[' && !char.IsWhiteSpace(text[open + 2])
            && text.AsSpan(open, Math.Min(to - open, ShortReach)).IndexOf(']') is > 2 and int page
            && open + page + 1 < to && text[open + page + 1] == ']')
        {
            removed.Add(at, open + 2);
            removed.Add(open + page, open + page + 2);
            return open + page + 2;
        }

        int close = IndexOf("](", open, Math.Min(to - open, Reach(MaxMacro)));
        if (close < 0)
        {
            return open + 1;
        }

        int target = close + 2;
        while (target < to && text[target] is ' ' or '<')
        {
            target++;
        }

        // An address that a macro puts together is none without it: "[words]({{< ref "page" >}})".
        if (target + 1 < to && text[target] == '{' && text[target + 1] is '{' or '%'
            && text.AsSpan(open + 1, close - open - 1).IndexOfAny('[', ']') < 0)
        {
            int macro = IndexOf("}", target, Math.Min(to - target, MaxMacro));
            int after = macro < 0 ? -1 : text.AsSpan(macro, to - macro).IndexOf(')');
            if (after > 0)
            {
                removed.Add(at, open + 1);
                Words(open + 1, close);
                removed.Add(close, macro + after + 1);
                return macro + after + 1;
            }
        }

        bool isData = text.AsSpan(target, Math.Min(5, to - target)).Equals("data:", StringComparison.OrdinalIgnoreCase);
        bool isEmpty = open == at && (text.AsSpan(open + 1, close - open - 1).IsWhiteSpace()
            || (target < to && text[target] == ')'));
        if (!isData && !isEmpty)
        {
            return open + 1;
        }

        int end = text.AsSpan(target, to - target).IndexOf(')');
        end = end < 0 ? to : target + end + 1;
        removed.Add(at, open + 1);
        removed.Add(close, end);
        return end;
    }

    // data:image/png;base64,… wherever it stands.
    private int Data(int at, int to)
    {
        if (!text.AsSpan(at, to - at).StartsWith(";base64,", StringComparison.OrdinalIgnoreCase))
        {
            return at + 1;
        }

        int from = Math.Max(removed.End, at - 128);
        int start = text.AsSpan(from, at - from).LastIndexOf("data:", StringComparison.OrdinalIgnoreCase);
        int end = at + 8;
        while (end < to
            && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '+' or '/' or '=' or '%' or '-' or '_'))
        {
            end++;
        }

        if (start < 0 || end - at < 40)
        {
            return at + 1;
        }

        removed.Add(from + start, end);
        return end;
    }

    // import X from '…', import '…'; with braces over several lines; of MDX also export.
    private bool IsImport(int from, int to, out int end)
    {
        end = to;
        ReadOnlySpan<char> line = text.AsSpan(from, to - from);
        if (line.StartsWith("import "))
        {
            ReadOnlySpan<char> rest = line[7..].TrimStart();
            if (rest is ['"' or '\'', ..])
            {
                return true;
            }

            if (Names(line, " from '") || Names(line, " from \""))
            {
                return true;
            }

            int close = rest.Contains('{') && !rest.Contains('}') ? IndexOf("}", from, MaxMacro) : -1;
            if (close > 0 && text.AsSpan(close + 1).TrimStart(' ').StartsWith("from "))
            {
                int found = text.AsSpan(close).IndexOf('\n');
                end = found < 0 ? text.Length : close + found;
                return true;
            }

            return false;
        }

        if (!isMdx || !line.StartsWith("export "))
        {
            return false;
        }

        int brace = line.IndexOf('{');
        int braceEnd = brace < 0 ? -1 : BraceEnd(from + brace, Math.Min(text.Length, from + MaxTag));
        int lineEnd = braceEnd < 0 ? -1 : text.IndexOf('\n', braceEnd - 1);
        end = Math.Max(to, lineEnd < 0 ? braceEnd : lineEnd);
        return true;

        static bool Names(ReadOnlySpan<char> line, string from) =>
            line.IndexOf(from, StringComparison.Ordinal) is > 0 and int at
                && line[(at + from.Length)..].IndexOfAny('"', '\'') >= 0;
    }

    private int IndexOf(string what, int from, int most)
    {
        if (from >= text.Length || _missing.Contains(what))
        {
            return -1;
        }

        int length = Math.Min(most, text.Length - from);
        int found = text.AsSpan(from, length).IndexOf(what, StringComparison.OrdinalIgnoreCase);
        if (found >= 0)
        {
            return from + found;
        }

        _fruitless++;
        if (length == text.Length - from)
        {
            _missing.Add(what);
        }

        return -1;
    }
}
