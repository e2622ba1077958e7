using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Coach.Rag.Documents;

/// <summary>
/// One pass over the lines of a Markdown text: CommonMark's blocks as far as passages need them (headings, lists,
/// quotes, fences, tables), and the markup of documentation tools on top of it.
/// </summary>
internal sealed class MarkdownScanner(string text, bool isMdx, IReadOnlyList<Regex> patterns)
{
    private const int MaxHeadingLength = 200;
    private const int MaxFences = 64;

    // Of fences that hold text, not code (MyST, Sphinx, GitHub, Docusaurus).
    private static readonly HashSet<string> Admonitions = new(StringComparer.OrdinalIgnoreCase)
    {
        "note", "tip", "warning", "important", "caution", "danger", "attention", "hint", "seealso", "error", "info",
        "admonition", "dropdown", "tab-set", "tab-item", "card", "grid", "grid-item-card", "margin", "sidebar", "topic",
        "versionadded", "versionchanged", "deprecated", "details", "question", "success", "example", "abstract",
            "quote", "list-table", "table", "figure", "glossary", "definition", "proof", "theorem", "exercise",
        "solution",
    };

    // What these show stands elsewhere, or is a picture.
    private static readonly HashSet<string> Silent = new(StringComparer.OrdinalIgnoreCase)
    {
        "toctree", "include", "literalinclude", "image", "contents", "index", "raw", "bibliography", "tableofcontents",
        "highlight", "automodule", "autoclass", "autofunction", "video", "iframe",
    };

    // Shortcodes that code stands between.
    private static readonly string[] CodeShortcodes =
        ["highlight", "code-toggle", "clients-example", "codeblock", "code-block"];

    // Lines that stand for a file or a list of contents.
    private static readonly string[] Inclusions =
        ["{{#include", "{{#rustdoc_include", "{{#playground", "{{#shiftinclude", "--8<--", "<<< @", "<<< ./", "<<< ../",
            "{* "];

    private static readonly SearchValues<char> TagName = SearchValues.Create("abcdefghijklmnopqrstuvwxyz-");

    private static readonly string[] TitleAttributes = ["title=\"", "alt-text=\"", "caption=\"", "label=\"", "name=\""];

    private static readonly string[] DescriptionNames =
        ["description", "summary", "abstract", "excerpt", "lead", "subtitle"];

    private static readonly string[] TagNames = ["tags", "keywords", "categories", "topics"];

    private readonly RemovedMarkup _removed = new(text);
    private readonly HashSet<string> _missing = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<TextBlock> _blocks = [];
    private readonly string[] _path = new string[6];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(char Mark, int Count)> _textFences = [];
    private MarkupCleaner _cleaner = null!;
    private string _title = "";
    private bool _isMyst;
    private (int Start, int End, int Level) _bare;      // a heading without text so far

    private int _paragraph = -1;
    private int _paragraphEnd;
    private int _lastLine;          // the start of the paragraph's last line
    private bool _isItem;
    private readonly MarkdownContainers _containers = new();
    private bool _inQuotedList;
    private int _quotedListIndent;
    private bool _wasBlank = true;
    private int _consumed;          // the end of a table that was read as a whole
    private int _tableClose;        // the tag that ends the next table of HTML
    private int _noGrid;            // where lines end that look like a grid and are none

    private int _fence = -1;        // the start of an open fence's line
    private int _fenceBody;
    private char _fenceMark;
    private int _fenceCount;
    private bool _fenceQuoted;
    private int _fenceIndent;
    private (int Start, int End) _unclosed;     // what was meant to close it
    private int _fenceOuter = -1;   // the column of what it stands in: a line there may be outside of it
    private bool _fenceHolds;       // such a line was found to be code nevertheless
    private (int From, int Found) _fenceSearched = (0, -1);
    private int _part = -1;         // a heading that was found below a fence
    private int _fenceDepth;        // fences that are shown within it
    private bool _isSilent;         // what the open fence holds is no text
    private int _fenceTagEnd;       // where the shortcode or tag begins that ends code in the place of a fence
    private bool _inOptions;        // lines of ":name: value" below a directive
    private bool _inBlockOptions;   // indented lines of "name: value" below a block of PyMdown

    private int _code = -1;         // indented code
    private int _codeEnd;

    private int _table = -1;
    private int _tableHead;
    private int _tableEnd;

    /// <summary>
    /// Where a line's content begins, how far it is indented, within a quote after its marks, and before them.
    /// </summary>
    private readonly record struct LineStart(int At, int Indent, int Outer, bool IsQuoted);

    public StructuredText Run(CancellationToken cancellationToken)
    {
        _cleaner = new MarkupCleaner(text, _removed, isMdx, patterns);
        _isMyst = text.Contains("```{", StringComparison.Ordinal) || text.Contains(":::{", StringComparison.Ordinal);
        int line = ReadFrontMatter();
        int lines = 0;
        while (line < text.Length)
        {
            if ((++lines & 0xFFF) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            int found = text.AsSpan(line).IndexOf('\n');
            int next = found < 0 ? text.Length : line + found + 1;
            Line(line, next);
            line = next;
        }

        EndFence(text.Length, text.Length, isClosed: false);
        EndBlock();
        AddBare(1);
        StructuredText result = _removed.Apply(_title, _blocks);
        return result with { Metadata = _metadata };
    }

    private void Line(int start, int next)
    {
        if (start < _consumed)
        {
            return;
        }

        int end = next;
        while (end > start && text[end - 1] is '\n' or '\r')
        {
            end--;
        }

        LineStart line = Content(start, end);
        int at = line.At;
        if (_fence >= 0 && FenceGoesOn(start, next, line, end))
        {
            return;
        }

        if (_removed.End >= end && end > start)
        {
            return;         // within markup that began on an earlier line
        }

        if ((_inOptions && IsOption(at, end)) || (_inBlockOptions && IsBlockOption(line, end)))
        {
            _removed.Add(start, next, isSpace: true);
            return;
        }

        (_inOptions, _inBlockOptions) = (false, false);

        if (at == end)
        {
            EndParagraph();
            EndTable();
            _wasBlank = true;
            return;
        }

        bool wasBlank = _wasBlank;
        _wasBlank = false;
        LeaveContainers(line, end, wasBlank);
        int depth = line.IsQuoted ? line.Indent : line.Indent - _containers.Content;
        if (_code >= 0 && depth >= 4)
        {
            _codeEnd = next;
            return;
        }

        EndCode();
        bool isCode = depth >= 4 && wasBlank && _paragraph < 0 && text[at] != '<' && !_inQuotedList
            && !IsFence(at, end) && !(_containers.IsInItem && IsItem(at, end, out _)) && !HeadsColumns(next);
        if (isCode)
        {
            EndTable();
            (_code, _codeEnd) = (start, next);
            return;
        }

        ReadLine(start, next, line, end, depth);
    }

    // What ends with its indentation ends here, headings within it too.
    private void LeaveContainers(LineStart line, int end, bool wasBlank)
    {
        bool isOwnBlock = text[line.At] is '#' or '`' or '~' or '!' or '?' or '=' or '<' or ':'
            || IsItem(line.At, end, out _);
        if (_inQuotedList && (!line.IsQuoted || (line.Indent == 0 && wasBlank && !isOwnBlock)))
        {
            _inQuotedList = false;
        }

        bool isLazy = !wasBlank && _paragraph >= 0 && _containers.IsInItem && !isOwnBlock;
        if (isLazy)
        {
            return;
        }

        bool isItem = _containers.IsInItem;
        if (_containers.Leave(line.Outer, out string[]? path) == 0)
        {
            return;
        }

        EndCode();
        if (!isItem || path is not null)
        {
            EndBlock();
        }

        if (path is not null)
        {
            AddBare(1);
            path.CopyTo(_path, 0);
        }
    }

    // The head of a table that dashes stand below is no code, however far it is indented.
    private bool HeadsColumns(int next) =>
        next < text.Length && DrawnTable.IsColumns(text.AsSpan(next, DrawnTable.Next(text, next) - next));

    private void ReadLine(int start, int next, LineStart line, int end, int depth)
    {
        int at = line.At;
        ReadOnlySpan<char> content = text.AsSpan(at, end - at);
        if (OpensFence(start, next, at, end) || OpensCodeTag(start, next, at, end)
            || ClosesDirective(start, next, content) || OpensHtmlTable(at, end))
        {
            return;
        }

        if (IsInclusion(content) || (_isMyst && IsMystLine(content)))
        {
            EndBlock();
            _removed.Add(start, next, isSpace: true);
            return;
        }

        if (_table >= 0)
        {
            if (content.Contains('|'))
            {
                Clean(at, end);
                _tableEnd = next;
                return;
            }

            EndTable();
        }

        if (!line.IsQuoted && content[0] is '+' or '-' && OpensDrawnTable(start, next, content))
        {
            return;
        }

        if (IsSetextUnderline(content, out int level) && _paragraph >= 0 && !_isItem && depth < 4)
        {
            int from = _paragraph;
            int to = _paragraphEnd;
            _paragraph = -1;
            AddHeading(level, from, FirstLineEnd(from, to), start, end, to);
            return;
        }

        if (depth < 4 && IsHeading(content, out level))
        {
            EndParagraph();
            Clean(at, end);
            AddHeading(level, at, end, start, end, end);
            return;
        }

        if (IsThematicBreak(content))
        {
            EndParagraph();
            return;
        }

        if (_paragraph >= 0 && IsDelimiterRow(content) && StartsTable(next, end))
        {
            return;
        }

        if (Directive(start, next, line, end))
        {
            return;
        }

        if (_paragraph < 0 && IsReference(content))
        {
            _removed.Add(start, next, isSpace: true);
            return;
        }

        EnterDefinition(start, line, content);
        bool isItem = IsItem(at, end, out int markEnd);
        if (isItem)
        {
            int list = ListIndent(line);
            if (line.Indent <= list + 1 || _paragraph < 0)
            {
                EndParagraph();
            }

            EnterItem(start, line, markEnd, end);
            while (markEnd < end && IsItem(markEnd, end, out int inner))
            {
                markEnd = inner;        // an item in an item
            }

            if (markEnd < end && OpensFence(start, next, markEnd, end))
            {
                return;
            }
        }

        if (_paragraph < 0)
        {
            _paragraph = start;
            _isItem = isItem;
        }

        _lastLine = start;
        _paragraphEnd = next;
        Clean(isItem ? markEnd : at, end);
    }

    // ":   words" of a list of definitions, and "[^1]: words": what is indented below belongs to them.
    private void EnterDefinition(int start, LineStart line, ReadOnlySpan<char> content)
    {
        bool isDefinition = content is [':', ' ' or '\t', ..];
        bool isNote = content is ['[', '^', ..] && content.IndexOf("]:") is > 2 and < MaxHeadingLength;
        if (line.IsQuoted || !(isDefinition || isNote))
        {
            return;
        }

        int words = line.At + 1 + (content.Length - 1 - content[1..].TrimStart(" \t").Length);
        int column = isNote ? line.Indent + 4 : ColumnOf(start, words);
        _containers.Enter(line.Indent, Math.Min(column, line.Indent + 4), isItem: true);
    }

    private int ListIndent(LineStart line)
    {
        if (!line.IsQuoted)
        {
            return _containers.ListMark(line.Indent);
        }

        _quotedListIndent = _inQuotedList ? Math.Min(_quotedListIndent, line.Indent) : line.Indent;
        return _quotedListIndent;
    }

    // Its content stands where its words begin; of code in its first line, and of nothing, a column after its mark.
    private void EnterItem(int start, LineStart line, int markEnd, int end)
    {
        if (line.IsQuoted)
        {
            _inQuotedList = true;
            return;
        }

        int mark = line.At;
        while (mark < end && text[mark] is not (' ' or '\t'))
        {
            mark++;
        }

        int content = ColumnOf(start, markEnd);
        int least = ColumnOf(start, mark) + 1;
        _containers.Enter(line.Indent, markEnd == end || content > least + 3 ? least : content, isItem: true);
    }

    private void Clean(int from, int to)
    {
        from = Math.Max(from, _removed.End);
        if (from < to)
        {
            _cleaner.Run(from, to);
        }
    }

    // Past white space and the marks of quotes.
    private LineStart Content(int start, int end)
    {
        int at = start;
        int indent = 0;
        int outer = -1;
        int most = _containers.Content + 4;
        while (at < end)
        {
            char c = text[at];
            if (c == '>' && indent < most)
            {
                outer = outer < 0 ? indent : outer;
                most = 4;
                indent = 0;
                at += at + 1 < end && text[at + 1] == ' ' ? 2 : 1;
                continue;
            }

            if (c is not (' ' or '\t'))
            {
                break;
            }

            indent += c == '\t' ? 4 - (indent % 4) : 1;
            at++;
        }

        return new LineStart(at, indent, outer < 0 ? indent : outer, outer >= 0);
    }

    private bool IsFence(int at, int end)
    {
        char mark = text[at];
        int count = mark is '`' or '~' ? CountOf(mark, at, end) : 0;
        return count > 2 && (mark == '~' || !text.AsSpan(at + count, end - at - count).Contains('`'));
    }

    private bool OpensFence(int start, int next, int at, int end)
    {
        if (!IsFence(at, end))
        {
            return false;
        }

        char mark = text[at];
        int count = CountOf(mark, at, end);
        ReadOnlySpan<char> info = text.AsSpan(at + count, end - at - count).Trim();

        if (_textFences.Count > 0 && info.IsEmpty && _textFences[^1] is var open && open.Mark == mark
            && count >= open.Count)
        {
            EndBlock();
            _textFences.RemoveAt(_textFences.Count - 1);
            _removed.Add(start, next, isSpace: true);
            return true;
        }

        EndBlock();
        if (info is ['{', ..] && info.IndexOf('}') is > 0 and int close
            && Admonitions.Contains(info[1..close].ToString())
            && _textFences.Count < MaxFences)
        {
            // Its words are text: the title, and what is within.
            int title = at + text.AsSpan(at, end - at).IndexOf('}') + 1;
            _textFences.Add((mark, count));
            _inOptions = true;
            bool isPath = info[1..close] is "figure" or "list-table" or "tab-set" or "grid";
            if (isPath || text.AsSpan(title, end - title).IsWhiteSpace())
            {
                _removed.Add(start, next, isSpace: true);
            }
            else
            {
                _removed.Add(at, title);
                _blocks.Add(new TextBlock(title, end, Here));
                _bare = default;
            }

            return true;
        }

        _fenceQuoted = Content(start, end).IsQuoted;
        (_fence, _fenceBody, _fenceMark, _fenceCount) = (start, next, mark, count);
        (_fenceHolds, _fenceDepth) = (false, 0);
        _fenceIndent = ColumnOf(start, at);
        _fenceOuter = _containers.IsInside || _fenceIndent < 4 ? _containers.Mark : 0;
        _isSilent = info is ['{', ..] && info.IndexOf('}') is > 1 and int named
            && Silent.Contains(info[1..named].ToString());
        return true;
    }

    // "{{< highlight go >}}" and "<pre>" open code as a fence does, if what ends it is there.
    private bool OpensCodeTag(int start, int next, int at, int end)
    {
        if (text[at] is not ('{' or '<'))
        {
            return false;
        }

        int found = CodeTagClose(at, end);
        if (found < 0)
        {
            return false;
        }

        EndBlock();
        int body = CodeTagEnd(at, end);
        _removed.Add(start, body >= end ? next : body, isSpace: true);
        (_fence, _fenceBody, _fenceTagEnd) = (start, body >= end ? next : body, found);
        _fenceQuoted = false;
        return true;
    }

    // Where the tag or the shortcode ends that opens code on this line; −1 when it opens none, or ends on it.
    private int CodeTagClose(int at, int end)
    {
        ReadOnlySpan<char> content = text.AsSpan(at, end - at);
        if (content[0] == '<')
        {
            bool isCode = content.StartsWith("<pre", StringComparison.OrdinalIgnoreCase)
                && content.Length > 4 && content[4] is '>' or ' ';
            return isCode ? After(end, "</pre") : -1;
        }

        if (content.Length < 4 || content[1] is not ('{' or '%'))
        {
            return -1;
        }

        ReadOnlySpan<char> name = content[(content[1] == '{' ? 3 : 2)..].TrimStart(" -");
        int length = name.IndexOfAnyExcept(TagName);
        if (length <= 0 || content.TrimEnd().EndsWith("/>}}"))
        {
            return -1;
        }

        string tag = name[..length].ToString();
        if (Array.IndexOf(CodeShortcodes, tag) < 0)
        {
            return -1;
        }

        return content[1] == '%' ? After(end, "{% end" + tag) : ShortcodeClose(end, tag);
    }

    private int After(int from, string close)
    {
        int found = _missing.Contains(close) ? -1
            : text.AsSpan(from).IndexOf(close, StringComparison.OrdinalIgnoreCase);
        if (found < 0)
        {
            _missing.Add(close);
        }

        return found < 0 ? -1 : from + found;
    }

    // "{{< /name >}}", with spaces where people put them.
    private int ShortcodeClose(int from, string name)
    {
        for (int slash = After(from, "/" + name), tries = 0; ; tries++)
        {
            int other = After(from, "/ " + name);
            int at = other < 0 || (slash >= 0 && slash < other) ? slash : other;
            if (at < 0 || tries > 16)
            {
                return -1;
            }

            int open = at;
            while (open > from && text[open - 1] == ' ')
            {
                open--;
            }

            if (open - from > 2 && text[open - 1] is '<' or '%' && text[open - 2] == '{' && text[open - 3] == '{')
            {
                return open - 3;
            }

            from = at + 1;
            slash = After(from, "/" + name);
        }
    }

    // After the tag, and one of code within it.
    private int CodeTagEnd(int at, int end)
    {
        int body = text[at] == '{' ? end : TagEnd(at, end);
        bool hasCode = body < end
            && text.AsSpan(body, end - body).StartsWith("<code", StringComparison.OrdinalIgnoreCase);
        return hasCode ? TagEnd(body, end) : body;
    }

    private int TagEnd(int at, int end)
    {
        int close = text.AsSpan(at, end - at).IndexOf('>');
        return close < 0 ? end : at + close + 1;
    }

    // "    type: warning" below "/// admonition | Title".
    private bool IsBlockOption(LineStart line, int end)
    {
        ReadOnlySpan<char> option = text.AsSpan(line.At, end - line.At);
        int colon = option.IndexOf(':');
        return line.Indent >= 4 && colon > 0 && option[..colon].IndexOfAnyExcept(TagName) < 0;
    }

    private bool IsOption(int at, int end)
    {
        ReadOnlySpan<char> option = text.AsSpan(at, end - at);
        return option is [':', not ':', ..] && option[1..].IndexOf(':') is > 0 and int close
            && option[1..(close + 1)].IndexOfAny(' ', '`') < 0;
    }

    // Whether the line belongs to the open fence.
    private bool FenceGoesOn(int start, int next, LineStart line, int end)
    {
        if (_fenceTagEnd > 0)
        {
            if (_fenceTagEnd < next)
            {
                EndCodeTag(_fenceTagEnd, next);
            }

            return true;
        }

        if (_fenceQuoted && !line.IsQuoted)
        {
            EndFence(start, start, isClosed: false);
            return false;
        }

        int at = line.At;
        if (at == end || line.IsQuoted != _fenceQuoted)
        {
            return true;
        }

        bool isDeeper = ColumnOf(start, at) > _fenceIndent + 3;
        if (!isDeeper && text[at] == _fenceMark && CountOf(_fenceMark, at, end) is var count && count >= _fenceCount)
        {
            return FenceWithin(start, next, text.AsSpan(at + count, end - at - count).Trim());
        }

        if (!line.IsQuoted && line.Outer <= _fenceOuter && !_fenceHolds)
        {
            _fenceHolds = ClosesBelow(next);
            if (!_fenceHolds)
            {
                EndFence(start, start, isClosed: false);
                return false;
            }
        }

        return true;
    }

    // A line that closes the open fence, or a fence that is shown within it; or one that opens another where the open
    // one was forgotten to be closed.
    private bool FenceWithin(int start, int next, ReadOnlySpan<char> info)
    {
        if (info.IsEmpty && _fenceDepth > 0)
        {
            _fenceDepth--;
            return true;
        }

        if (info.IsEmpty)
        {
            EndFence(start, next, isClosed: true);
            return true;
        }

        if (!IsInfo(info))
        {
            return true;
        }

        int closing = ClosingFences(next);
        if (closing > 0 && closing % 2 == 0)
        {
            _fenceDepth++;
            return true;
        }

        EndFence(start, start, isClosed: false);
        return false;
    }

    private static bool IsInfo(ReadOnlySpan<char> info) =>
        info.Length < 100 && (char.IsAsciiLetter(info[0]) || info[0] is '{' or '.') && !info.Contains('`');

    // How many lines close fences before the next that opens one: those of pairs that open and close alike, and one for
    // each that is open.
    private int ClosingFences(int from)
    {
        int count = 0;
        for (int line = from; line < text.Length;)
        {
            int next = DrawnTable.Next(text, line);
            if (IsFenceLine(line, next, out bool isClosing))
            {
                if (!isClosing)
                {
                    return count;
                }

                count++;
            }

            line = next;
        }

        return count;
    }

    // Whether the next fence closes this one, with no heading of a part before it. What is found is remembered, so that
    // the lines below are looked through once.
    private bool ClosesBelow(int from)
    {
        for (int line = NextFence(from); line < text.Length; line = NextFence(DrawnTable.Next(text, line)))
        {
            if (IsFenceLine(line, DrawnTable.Next(text, line), out bool isClosing))
            {
                return isClosing && NextPart(from, line) == line;
            }
        }

        return false;
    }

    // The next line that begins with the marks of any fence; the end of the text when there is none.
    private int NextFence(int from)
    {
        if (from >= _fenceSearched.From && from <= _fenceSearched.Found)
        {
            return _fenceSearched.Found;
        }

        int line = from;
        while (line < text.Length)
        {
            int next = DrawnTable.Next(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).TrimStart();
            if (content.StartsWith("```") || content.StartsWith("~~~"))
            {
                break;
            }

            line = next;
        }

        _fenceSearched = (from, line);
        return line;
    }

    // The next line before another that is the heading of a part; that other when there is none.
    private int NextPart(int from, int to)
    {
        if (from <= _part && _part < to)
        {
            return _part;
        }

        bool wasBlank = false;
        for (int line = from; line < to;)
        {
            int next = DrawnTable.Next(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line);
            if (wasBlank && content.StartsWith("##") && IsHeading(content, out _))
            {
                _part = line;
                return line;
            }

            wasBlank = content.IsWhiteSpace();
            line = next;
        }

        return to;
    }

    // Of the open fence's mark.
    private bool IsFenceLine(int line, int next, out bool isClosing)
    {
        int at = line;
        while (at < next && text[at] is ' ' or '\t')
        {
            at++;
        }

        int count = at < next && text[at] == _fenceMark ? CountOf(_fenceMark, at, next) : 0;
        ReadOnlySpan<char> info = text.AsSpan(at + count, next - at - count).Trim();
        isClosing = info.IsEmpty;
        return count >= _fenceCount && (isClosing || IsInfo(info)) && ColumnOf(line, at) <= _fenceIndent + 3;
    }

    // What was meant to close an open fence, and has too few marks to.
    private (int BodyEnd, int End) WithoutLastFence(int bodyEnd, int end)
    {
        int last = _fenceBody + text.AsSpan(_fenceBody, bodyEnd - _fenceBody).TrimEnd().Length;
        int line = last > _fenceBody ? text.LastIndexOf('\n', last - 1, last - _fenceBody) + 1 : last;
        ReadOnlySpan<char> content = line < _fenceBody ? default : text.AsSpan(line, last - line).Trim();
        bool isFence = content.Length > 2 && content[0] == _fenceMark && content.IndexOfAnyExcept(_fenceMark) < 0;
        if (!isFence)
        {
            return (bodyEnd, end);
        }

        _unclosed = (line, end);
        return (line, line);
    }

    private void EndCodeTag(int bodyEnd, int next)
    {
        (int body, _fence, _fenceTagEnd) = (_fenceBody, -1, 0);
        int code = text.AsSpan(body, bodyEnd - body).LastIndexOf("</code>", StringComparison.OrdinalIgnoreCase);
        bool isLast = code >= 0 && text.AsSpan(body + code + 7, bodyEnd - body - code - 7).IsWhiteSpace();
        bodyEnd = isLast ? body + code : bodyEnd;
        _wasBlank = true;
        AddCode(body, bodyEnd, body, bodyEnd);
        _removed.Add(bodyEnd, next, isSpace: true);
    }

    // What a fence includes is not there; a fence with nothing else is no code.
    private bool HasOnlyInclusions(int bodyStart, int bodyEnd)
    {
        bool hasOther = false;
        for (int line = bodyStart; line < bodyEnd;)
        {
            int found = text.AsSpan(line, bodyEnd - line).IndexOf('\n');
            int next = found < 0 ? bodyEnd : line + found + 1;
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).Trim();
            hasOther |= !content.IsEmpty && !IsInclusion(content);
            line = next;
        }

        return !hasOther;
    }

    private void RemoveInclusions(int bodyStart, int bodyEnd)
    {
        for (int line = bodyStart; line < bodyEnd;)
        {
            int found = text.AsSpan(line, bodyEnd - line).IndexOf('\n');
            int next = found < 0 ? bodyEnd : line + found + 1;
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).Trim();
            if (!content.IsEmpty && IsInclusion(content))
            {
                _removed.Add(line, next);
            }

            line = next;
        }
    }

    private void EndFence(int bodyEnd, int end, bool isClosed)
    {
        if (_fence < 0)
        {
            return;
        }

        int start = _fence;
        _fence = -1;
        _wasBlank = true;
        if (isClosed && (_isSilent || HasOnlyInclusions(_fenceBody, bodyEnd)))
        {
            _removed.Add(start, end, isSpace: true);
            return;
        }

        if (!isClosed)
        {
            _removed.Add(start, _fenceBody);        // half of a pair
            start = _fenceBody;
            (bodyEnd, end) = WithoutLastFence(bodyEnd, end);
        }

        RemoveInclusions(_fenceBody, bodyEnd);
        AddCode(start, end, _fenceBody, bodyEnd);
        _removed.Add(_unclosed.Start, _unclosed.End);
        _unclosed = default;
    }

    private void AddCode(int start, int end, int bodyStart, int bodyEnd)
    {
        if (text.AsSpan(start, end - start).IsWhiteSpace())
        {
            return;
        }

        // The first line that says something.
        int head = bodyStart;
        while (head < bodyEnd)
        {
            int line = head;
            int found = text.AsSpan(head, bodyEnd - head).IndexOf('\n');
            head = found < 0 ? bodyEnd : head + found + 1;
            if (!text.AsSpan(line, head - line).IsWhiteSpace())
            {
                bodyStart = line;
                break;
            }
        }

        _blocks.Add(new TextBlock(start, end, Here)
        {
            Kind = TextBlockKind.Code,
            BodyStart = bodyStart,
            BodyEnd = bodyEnd,
            HeadEnd = Math.Max(head, bodyStart),
        });
        _bare = default;
    }

    private void EndCode()
    {
        if (_code >= 0)
        {
            (int start, int end) = (_code, _codeEnd);
            _code = -1;
            AddCode(start, end, start, end);
        }
    }

    // ":::" of Docusaurus and Pandoc, and "///" of PyMdown, open and close; "!!!", "???" and "===" of MkDocs open what
    // is indented.
    private bool Directive(int start, int next, LineStart line, int end)
    {
        int at = line.At;
        ReadOnlySpan<char> content = text.AsSpan(at, end - at);
        if (AdmonitionMark(content) is > 0 and int mark)
        {
            EndBlock();
            if (!line.IsQuoted)
            {
                _containers.Enter(line.Indent, line.Indent + 4, isItem: false);
            }

            _removed.Add(at, at + mark);
            AddTitle(start, next, at, end);
            return true;
        }

        if (BlockName(content) is { } name)
        {
            EndBlock();
            int bar = name == "html" ? -1 : content.IndexOf('|');
            _inBlockOptions = name.Length > 0;
            if (bar < 0)
            {
                _removed.Add(start, next, isSpace: true);
                return true;
            }

            _removed.Add(at, at + bar + 1, isSpace: true);
            AddTitle(start, next, at + bar + 1, end);
            return true;
        }

        if (content.StartsWith("[!") && content.IndexOf(']') is > 2 and int close && content[2..close].IndexOf(' ') < 0)
        {
            EndBlock();
            _removed.Add(at, at + 2);
            _removed.Add(at + close, at + close
                + (content.Length > close + 1 && content[close + 1] is '+' or '-' ? 2 : 1));
            AddTitle(start, next, at, end);
            return true;
        }

        return false;
    }

    // Of "/// name | Title", and "" of the "///" that ends it.
    private static string? BlockName(ReadOnlySpan<char> content)
    {
        if (!content.StartsWith("///"))
        {
            return null;
        }

        ReadOnlySpan<char> block = content.TrimStart('/');
        int bar = block.IndexOf('|');
        ReadOnlySpan<char> name = (bar < 0 ? block : block[..bar]).Trim();
        bool isBlock = name.IndexOfAnyExcept(TagName) < 0 && (name.IsEmpty ? bar < 0 : block[0] == ' ');
        return isBlock ? name.ToString() : null;
    }

    // The length of the mark before its words.
    private static int AdmonitionMark(ReadOnlySpan<char> content)
    {
        int mark = content is ['!', '!', '!', ..] or ['?', '?', '?', ..] or ['=', '=', '=', ..] ? 3 : 0;
        if (mark == 0)
        {
            return 0;
        }

        bool isTab = content[0] == '=';
        mark += content.Length > mark && content[mark] is '+' or '!' && content[0] != '!' ? 1 : 0;
        int words = content.Length - content[mark..].TrimStart(' ').Length;
        bool isOpen = words < content.Length
            && (isTab ? words > mark && content[words] is '"' or '\'' : char.IsAsciiLetter(content[words]));
        return isOpen ? words : 0;
    }

    private bool ClosesDirective(int start, int next, ReadOnlySpan<char> content)
    {
        if (!content.StartsWith(":::"))
        {
            return false;
        }

        EndBlock();
        int at = next - (next - start);
        int mark = text.AsSpan(start, next - start).IndexOf(':') + start;
        int words = mark + CountOf(':', mark, next);
        while (words < next && text[words] is ' ' or '\t')
        {
            words++;
        }

        int end = next;
        while (end > words && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        int last = end;
        words = DirectiveWords(mark, words, ref end);
        if (words < end)
        {
            _removed.Add(mark, words);
            Clean(words, end);
            _blocks.Add(new TextBlock(words, end, Here));
            _bare = default;
            _removed.Add(end, last);
        }
        else
        {
            _removed.Add(at, next, isSpace: true);
        }

        return true;
    }

    // Where the words of a directive begin, and end: "::: {.callout-note title="Words"}", ":::{note} Words",
    // ":::note[Words]{id=x}", ":::image source="x.png" alt-text="Words":::". A name that only lays out is none.
    private int DirectiveWords(int mark, int words, ref int end)
    {
        if (words >= end)
        {
            return words;
        }

        ReadOnlySpan<char> all = text.AsSpan(words, end - words);
        if (all.EndsWith(":::"))
        {
            all = all.TrimEnd(':');
            end = words + all.Length;
        }

        if (all is ['{', ..])
        {
            _inOptions = true;
            int close = all.IndexOf('}');
            if (close < 0 || Silent.Contains(all[1..close].ToString()))
            {
                return end;
            }

            if (!all[(close + 1)..].IsWhiteSpace())
            {
                return words + close + 1;
            }

            return AttributeWords(words, ref end);
        }

        if (all.Contains("=\"", StringComparison.Ordinal))
        {
            return AttributeWords(words, ref end);
        }

        int name = 0;
        while (name < all.Length && (char.IsAsciiLetterOrDigit(all[name]) || all[name] is '-' or '_'))
        {
            name++;
        }

        bool isKnown = Admonitions.Contains(all[..name].ToString());
        if (name < all.Length && all[name] == '[' && all[name..].IndexOf(']') is > 1 and int label)
        {
            end = words + name + label;
            if (!isKnown)
            {
                return words + name + 1;
            }

            _removed.Add(mark, words);
            Clean(words, words + name);
            _removed.Add(words + name, words + name + 1, isSpace: true);
            return words;
        }

        // Attributes, and flags of VitePress: "details Words {open}".
        int flags = all.EndsWith("}") ? all.LastIndexOf('{') : -1;
        if (flags >= name)
        {
            end = words + all[..flags].TrimEnd().Length;
            all = all[..flags].TrimEnd();
        }

        bool isLayout = !isKnown && (name == all.Length || all[name] is ' ' or '{' or '\t');
        int rest = words + name;
        while (isLayout && rest < end && text[rest] is ' ' or '\t')
        {
            rest++;
        }

        return isLayout ? rest : words;
    }

    private int AttributeWords(int words, ref int end)
    {
        foreach (string name in TitleAttributes)
        {
            int found = text.AsSpan(words, end - words).IndexOf(name, StringComparison.Ordinal);
            int open = words + found + name.Length;
            int close = found < 0 ? -1 : text.AsSpan(open, end - open).IndexOf('"');
            if (close > 0)
            {
                end = open + close;
                return open;
            }
        }

        return end;
    }

    private void AddTitle(int start, int next, int at, int end)
    {
        Clean(at, end);
        (_paragraph, _lastLine, _paragraphEnd, _isItem) = (start, start, next, false);
    }

    // "<table>" with rows of cells, as far as it is read at once.
    private bool OpensHtmlTable(int at, int end)
    {
        int tag = text[at] == '<' ? HtmlTableMarkup.StartIn(text.AsSpan(at, end - at)) : -1;
        if (tag >= 0 && _tableClose <= at)
        {
            _tableClose = After(at + tag, "</table");
        }

        int close = tag < 0 ? -1 : _tableClose;
        if (close < 0 || HtmlTableMarkup.Read(text, at + tag, close) is not { } table)
        {
            return false;
        }

        EndBlock();
        Clean(at, at + tag);
        if (table.Apply(_removed, Clean, Here) is { } block)
        {
            _blocks.Add(block);
            _bare = default;
        }

        int rest = TagEnd(close, DrawnTable.Next(text, close));
        int next = DrawnTable.Next(text, close);
        _removed.Add(close, rest, isSpace: true);
        _consumed = next;
        if (!text.AsSpan(rest, next - rest).IsWhiteSpace())
        {
            Clean(rest, next);
            (_paragraph, _lastLine, _paragraphEnd, _isItem) = (rest, rest, next, false);
        }

        return true;
    }

    // Grids, and dashes over columns.
    private bool OpensDrawnTable(int start, int next, ReadOnlySpan<char> content)
    {
        if (content[0] == '+')
        {
            bool isBorder = _paragraph < 0 && start >= _noGrid && DrawnTable.IsGridBorder(content);
            DrawnTable grid = isBorder ? DrawnTable.Grid(text, start, out isBorder) : default;
            _noGrid = Math.Max(_noGrid, grid.End);
            return isBorder && AddDrawn(start, start, grid);
        }

        if (DrawnTable.IsColumns(content))
        {
            int from = _paragraph < 0 ? start : _lastLine;
            return DrawnTable.Simple(text, from, next) is { } simple && AddDrawn(from, start, simple);
        }

        const string Lines = "-----";
        if (_paragraph >= 0 || _missing.Contains(Lines) || !DrawnTable.IsDashes(content))
        {
            return false;
        }

        DrawnTable? table = DrawnTable.MultiLine(text, start, next, out bool isOpen);
        if (isOpen)
        {
            _missing.Add(Lines);
        }

        return table is { } found && AddDrawn(start, start, found);
    }

    // What comes before "from" was looked through already.
    private bool AddDrawn(int start, int from, DrawnTable table)
    {
        if (_paragraph >= 0)
        {
            _paragraphEnd = start;
            _paragraph = _paragraph < start ? _paragraph : -1;
        }

        EndBlock();
        for (int line = from; line < table.End;)
        {
            int next = DrawnTable.Next(text, line);
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).Trim();
            bool isBorder = content.IndexOfAnyExcept("+-=: ") < 0;
            if (isBorder)
            {
                ShortenDashes(line, next);
            }
            else
            {
                Clean(line, next);
            }

            line = next;
        }

        _blocks.Add(new TextBlock(start, table.End, Here)
        {
            Kind = TextBlockKind.Table,
            HeadEnd = table.HeadEnd,
            Rows = table.Rows,
        });
        _bare = default;
        _consumed = table.End;
        return true;
    }

    // The line before a row of dashes is the head of a table.
    private bool StartsTable(int next, int end)
    {
        ReadOnlySpan<char> head = text.AsSpan(_lastLine, _paragraphEnd - _lastLine);
        if (!head.Contains('|') && !text.AsSpan(_paragraphEnd, end - _paragraphEnd).Contains('|'))
        {
            return false;
        }

        int start = _lastLine;
        int dashes = _paragraphEnd;
        _paragraphEnd = start;
        if (_paragraph < start)
        {
            EndParagraph();
        }

        _paragraph = -1;
        ShortenDashes(dashes, end);
        (_table, _tableHead, _tableEnd) = (start, next, next);
        return true;
    }

    // Dashes as wide as the widest cell say no more than three.
    private void ShortenDashes(int from, int end)
    {
        for (int at = from; at < end;)
        {
            int count = Math.Max(CountOf('-', at, end), CountOf('=', at, end));
            if (count > 3)
            {
                _removed.Add(at + 3, at + count);
            }

            at += Math.Max(1, count);
        }
    }

    private void EndTable()
    {
        if (_table >= 0)
        {
            bool hasRows = _tableEnd > _tableHead;
            _blocks.Add(new TextBlock(_table, _tableEnd, Here)
            {
                Kind = TextBlockKind.Table,
                HeadEnd = hasRows ? _tableHead : _table,
            });
            _table = -1;
            _bare = default;
        }
    }

    private void EndParagraph()
    {
        if (_paragraph >= 0)
        {
            int start = _paragraph;
            _paragraph = -1;
            if (!text.AsSpan(start, _paragraphEnd - start).IsWhiteSpace())
            {
                TextBlockKind kind = _isItem ? TextBlockKind.ListItem : TextBlockKind.Paragraph;
                _blocks.Add(new TextBlock(start, _paragraphEnd, Here) { Kind = kind });
                _bare = _removed.Rest(start, _paragraphEnd).AsSpan().IsWhiteSpace() ? _bare : default;
            }
        }
    }

    private void EndBlock()
    {
        EndParagraph();
        EndTable();
        EndCode();
    }

    private string Here => TextBlock.Path(_path);

    private void AddHeading(int level, int nameStart, int nameEnd, int lineStart, int lineEnd, int end)
    {
        EndBlock();
        string name = Plain(_removed.Rest(nameStart, nameEnd).AsSpan().Trim().TrimStart('#').TrimEnd('#').Trim());
        if (name.Length == 0)
        {
            return;
        }

        AddBare(level);
        if (_title.Length == 0 && level == 1)
        {
            _title = name;
        }

        _containers.Remember(_path);
        _path[level - 1] = name;
        Array.Clear(_path, level, _path.Length - level);
        _bare = (Math.Min(nameStart, lineStart), Math.Max(lineEnd, Math.Min(end, lineEnd)), level);
        _inQuotedList = false;
    }

    // A heading without text of its own and without parts is found as a passage; others are found with the text below
    // them.
    private void AddBare(int nextLevel)
    {
        if (_bare.End > 0 && nextLevel <= _bare.Level)
        {
            _blocks.Add(new TextBlock(_bare.Start, _bare.End, TextBlock.Path(_path.AsSpan(0, _bare.Level - 1))));
        }

        _bare = default;
    }

    private int ReadFrontMatter()
    {
        if (FrontMatter.Find(text) is not { } front)
        {
            return 0;
        }

        var shown = new List<(int Start, int End)>();
        FrontMatterValue? title = null;
        foreach (FrontMatterValue value in front.Values)
        {
            if (_metadata.Count < 32)
            {
                _metadata.TryAdd(value.Name, value.Value);
            }

            title ??= value.Name == "title" ? value : null;
            if (Array.IndexOf(DescriptionNames, value.Name) >= 0 && shown.Count == 0)
            {
                shown.Add((value.Start, value.End));
            }
            else if (Array.IndexOf(TagNames, value.Name) >= 0)
            {
                shown.AddRange(value.Items.Count > 0 ? value.Items : [(value.Start, value.End)]);
            }
        }

        _title = title is { } named ? Plain(named.Value) : "";
        if (text.AsSpan(front.End).IsWhiteSpace() && title is { } only && shown.Count == 0)
        {
            shown.Add((only.Start, only.End));
        }

        shown.Sort();
        int at = 0;
        foreach ((int start, int end) in shown)
        {
            _removed.Add(at, start, isSpace: true);
            Clean(start, end);
            at = end;
        }

        _removed.Add(at, front.End, isSpace: true);
        if (shown.Count > 0)
        {
            _blocks.Add(new TextBlock(shown[0].Start, shown[^1].End, ""));
        }

        return front.End;
    }

    private int FirstLineEnd(int start, int end)
    {
        int found = text.AsSpan(start, end - start).IndexOf('\n');
        return found < 0 ? end : start + found;
    }

    private int ColumnOf(int start, int at)
    {
        int column = 0;
        for (int i = start; i < at; i++)
        {
            column += text[i] == '\t' ? 4 - (column % 4) : 1;
        }

        return column;
    }

    private int CountOf(char mark, int at, int end)
    {
        int count = 0;
        while (at + count < end && text[at + count] == mark)
        {
            count++;
        }

        return count;
    }

    private bool IsItem(int at, int end, out int markEnd)
    {
        markEnd = at;
        char c = text[at];
        if (c is '-' or '*' or '+')
        {
            markEnd = at + 1;
        }
        else
        {
            int digits = at;
            while (digits < end && digits - at < 9 && char.IsAsciiDigit(text[digits]))
            {
                digits++;
            }

            if (digits == at || digits >= end || text[digits] is not ('.' or ')'))
            {
                return false;
            }

            markEnd = digits + 1;
        }

        if (markEnd < end && text[markEnd] is not (' ' or '\t'))
        {
            return false;
        }

        while (markEnd < end && text[markEnd] is ' ' or '\t')
        {
            markEnd++;
        }

        return true;
    }

    private static bool IsHeading(ReadOnlySpan<char> content, out int level)
    {
        level = 0;
        while (level < content.Length && content[level] == '#')
        {
            level++;
        }

        return level is > 0 and <= 6 && (level == content.Length || content[level] is ' ' or '\t');
    }

    private static bool IsSetextUnderline(ReadOnlySpan<char> content, out int level)
    {
        ReadOnlySpan<char> line = content.TrimEnd();
        bool isSecond = line.Length > 1 && line.IndexOfAnyExcept('-') < 0;
        level = isSecond ? 2 : 1;
        return isSecond || (line.Length > 0 && line.IndexOfAnyExcept('=') < 0);
    }

    private static bool IsThematicBreak(ReadOnlySpan<char> content)
    {
        char mark = content[0];
        if (mark is not ('-' or '*' or '_'))
        {
            return false;
        }

        int marks = 0;
        foreach (char c in content)
        {
            if (c == mark)
            {
                marks++;
            }
            else if (c is not (' ' or '\t'))
            {
                return false;
            }
        }

        return marks >= 3;
    }

    private static bool IsDelimiterRow(ReadOnlySpan<char> content) =>
        content.Contains('-') && content.IndexOfAnyExcept("|-: \t") < 0;

    // [name]: address "title"
    private static bool IsReference(ReadOnlySpan<char> content)
    {
        int close = content is ['[', not '^', ..] ? content.IndexOf("]:") : -1;
        if (close < 2 || content[..close].LastIndexOf(']') >= 0)
        {
            return false;
        }

        ReadOnlySpan<char> address = content[(close + 2)..].Trim();
        if (address is ['<', .., '>'] || (address.StartsWith("{{") && address.EndsWith("}}")))
        {
            return true;
        }

        int end = address.IndexOfAny(' ', '\t');
        ReadOnlySpan<char> title = end < 0 ? default : address[end..].TrimStart();
        return !address.IsEmpty && (title.IsEmpty || title[0] is '"' or '\'' or '(');
    }

    // A comment, and the mark between blocks.
    private static bool IsMystLine(ReadOnlySpan<char> content) =>
        content.StartsWith("% ") || content.TrimEnd() is "%" or "+++";

    private static bool IsInclusion(ReadOnlySpan<char> content)
    {
        ReadOnlySpan<char> line = content.TrimEnd();
        // "(name)=" of MyST is what others refer to.
        if (line is ['(', .., ')', '='] && line[1..^2].IndexOfAny(" ()=") < 0 && line.Length > 3)
        {
            return true;
        }

        if (line.Equals("[TOC]", StringComparison.OrdinalIgnoreCase)
            || line.Equals("[[TOC]]", StringComparison.OrdinalIgnoreCase) || line is "[[_TOC_]]")
        {
            return true;
        }

        foreach (string inclusion in Inclusions)
        {
            if (line.StartsWith(inclusion) && line[^1] is '}' or '"' or '\'' or '-' || IsFile(line, inclusion))
            {
                return true;
            }
        }

        // "[!INCLUDE [words](file)]" and its like of DocFX.
        return line is ['[', '!', .., ']' or ')'] && (line.StartsWith("[!INCLUDE", StringComparison.OrdinalIgnoreCase)
            || line.StartsWith("[!code", StringComparison.OrdinalIgnoreCase)
            || line.StartsWith("[!VIDEO", StringComparison.OrdinalIgnoreCase)
            || line.StartsWith("[!div", StringComparison.OrdinalIgnoreCase));

        static bool IsFile(ReadOnlySpan<char> line, string inclusion) =>
            inclusion.StartsWith("<<<", StringComparison.Ordinal) && line.StartsWith(inclusion);
    }

    /// <summary>A heading without code marks, emphasis and link targets.</summary>
    private static string Plain(ReadOnlySpan<char> heading)
    {
        var plain = new StringBuilder(Math.Min(heading.Length, MaxHeadingLength));
        var links = new Stack<bool>();      // whether each open bracket began a link
        for (int i = 0; i < heading.Length && plain.Length < MaxHeadingLength; i++)
        {
            char c = heading[i];
            switch (c)
            {
                case '\\' when i + 1 < heading.Length && char.IsAscii(heading[i + 1])
                    && (char.IsPunctuation(heading[i + 1]) || char.IsSymbol(heading[i + 1])):
                    plain.Append(heading[++i]);
                    break;
                case '`' or '*' or '\u001F' or '\r':
                    break;
                case '[':
                    links.Push(IsLink(heading[i..]));
                    plain.Append(links.Peek() ? "" : "[");
                    break;
                case ']' when links.TryPop(out bool isLink) && isLink:
                    i += TargetLength(heading[(i + 1)..]);
                    break;
                default:
                    plain.Append(c);
                    break;
            }
        }

        if (plain.Length > 0 && char.IsHighSurrogate(plain[^1]))
        {
            plain.Length--;
        }

        return plain.ToString().Trim();
    }

    // "[words](target)" and "[words][name]"; other brackets are words themselves.
    private static bool IsLink(ReadOnlySpan<char> text)
    {
        int depth = 0;
        for (int i = 0; i < Math.Min(text.Length, MaxHeadingLength); i++)
        {
            depth += text[i] switch
            {
                '[' => 1,
                ']' => -1,
                _ => 0,
            };
            if (depth == 0)
            {
                return i + 1 < text.Length && text[i + 1] is '(' or '[';
            }
        }

        return false;
    }

    private static int TargetLength(ReadOnlySpan<char> text)
    {
        if (text is not ['(' or '[', ..])
        {
            return 0;
        }

        return text.IndexOf(text[0] == '(' ? ')' : ']') + 1;
    }
}
