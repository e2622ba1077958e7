using System.Text;

namespace Coach.Rag.Documents;

/// <summary>Collects the text of an HTML document: white space collapsed, blocks apart, headings as paths.</summary>
internal sealed class HtmlTextWriter(string html)
{
    private const int MaxHeading = 300;

    // Less than this is no page's content, whatever it is called.
    private const int LeastMain = 400;

    private static readonly string[] MetadataNames =
        ["description", "keywords", "author", "date", "article:published_time"];

    private readonly StringBuilder _text = new();
    private readonly StringBuilder _heading = new();
    private readonly StringBuilder _title = new();
    private readonly string[] _path = new string[6];
    private readonly List<TextBlock> _blocks = [];
    private readonly SourceMap _map = new();
    private readonly Dictionary<string, string> _metadata = new(StringComparer.OrdinalIgnoreCase);
    private (int Start, int End, int Level) _bare;      // a heading without text so far
    private int _blockStart = -1;
    private int _headingStart;
    private int _headingLevel;
    private int _preDepth;
    private int _tables;            // open tables; cells are kept in columns within one that is in no other
    private int _row = -1;          // cells of the open row so far; −1 outside
    private int _rows;
    private int _headEnd;
    private bool _inHead;
    private bool _isHeadRow;        // all cells of the row so far are heads
    private bool _isLayout;         // a table that holds headings or tables is no table of data
    private bool _inTitle;
    private bool _pendingSpace;
    private int _mains;                                 // open elements that hold a page's main content
    private int _mainStart = -1;
    private int _mainCharacters;
    private readonly List<(int Start, int End)> _mainRanges = [];

    private bool InTable => _tables == 1 && !_isLayout;

    public void Tag(string name, bool isStart, int at)
    {
        switch (name)
        {
            case "title":
                _inTitle = isStart && _title.Length == 0;
                break;
            case "h1" or "h2" or "h3" or "h4" or "h5" or "h6":
                EndHeading();
                LeaveTable();
                EndBlock();
                _headingLevel = isStart ? name[1] - '0' : 0;
                _headingStart = _text.Length;
                break;
            case "table":
                Table(isStart);
                break;
            case "thead":
                _inHead = isStart;
                break;
            case "tr" when InTable:
                EndRow();
                _row = isStart ? 0 : -1;
                break;
            case "td" or "th" when InTable && isStart:
                StartCell(name == "th", at);
                break;
            case "br":
                _pendingSpace = true;
                if (_preDepth > 0)
                {
                    Newline(at);
                }

                break;
            case "td" or "th":
                _pendingSpace = true;
                break;
            case "pre" or "listing":
                Pre(isStart);
                break;
            case "p" or "div" or "section" or "article" or "main" or "header" or "footer" or "nav" or "aside":
            case "ul" or "ol" or "li" or "tr" or "blockquote" or "dl" or "dt" or "dd" or "caption":
            case "figure" or "figcaption" or "form" or "hr" or "body" or "details" or "summary":
                Block(name, isStart);
                break;
        }
    }

    private void Block(string name, bool isStart)
    {
        if (InTable && _row >= 0)
        {
            _pendingSpace = true;
        }
        else if (_preDepth == 0)
        {
            EndBlock();
        }

        if (name is "main" or "article")
        {
            Main(isStart);
        }
    }

    private void Main(bool isStart)
    {
        _mains = Math.Max(0, _mains + (isStart ? 1 : -1));
        if (_mains == 1 && isStart)
        {
            _mainStart = _text.Length;
        }
        else if (_mains == 0 && _mainStart >= 0)
        {
            EndHeading();
            _mainRanges.Add((_mainStart, _text.Length));
            _mainCharacters += _text.Length - _mainStart;
            _mainStart = -1;
        }
    }

    // What is around the main content of a page (menus, footers) is no text of it, if it says which that is.
    private List<TextBlock> MainBlocks()
    {
        if (_mainCharacters < LeastMain)
        {
            return _blocks;
        }

        var main = new List<TextBlock>(_blocks.Count);
        int range = 0;
        foreach (TextBlock block in _blocks)
        {
            while (range < _mainRanges.Count && _mainRanges[range].End < block.End)
            {
                range++;
            }

            if (range < _mainRanges.Count && block.Start >= _mainRanges[range].Start)
            {
                main.Add(block);
            }
        }

        return main.Count > 0 ? main : _blocks;
    }

    /// <summary>Adds the text between two positions of the markup; there are no tags in it.</summary>
    public void Text(int start, int end)
    {
        for (int i = start; i < end;)
        {
            int length = Math.Min(CharacterReference.MaxLength, end - i);
            if (html[i] == '&' && CharacterReference.Find(html.AsSpan(i, length)) is { } reference)
            {
                foreach (char c in reference.Text)
                {
                    Add(c, i, reference.Length);
                }

                i += reference.Length;
                continue;
            }

            Add(html[i], i, 1);
            i++;
        }
    }

    /// <summary>Keeps what the document says of itself.</summary>
    public void Meta(string name, string content)
    {
        int known = Array.FindIndex(MetadataNames, each => each.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (known >= 0 && !string.IsNullOrWhiteSpace(content))
        {
            string value = content.Trim();
            _metadata.TryAdd(known == 4 ? "date" : MetadataNames[known], value.Length > 1000 ? value[..1000] : value);
        }
    }

    public StructuredText End()
    {
        EndHeading();
        EndBlock();
        AddBare(1);
        if (_mainStart >= 0)
        {
            _mains = 1;
            Main(isStart: false);
        }

        return new StructuredText(_text.ToString(), _title.ToString().Trim(), MainBlocks())
        {
            Map = _map,
            Metadata = _metadata,
        };
    }

    private void Add(char c, int source, int length)
    {
        if (c == '\0')
        {
            return;
        }

        if (_inTitle)
        {
            Append(_title, c, MaxHeading);
            return;
        }

        if (_headingLevel > 0)
        {
            if (_heading.Length < MaxHeading || char.IsLowSurrogate(c))
            {
                AddToHeading(c, source, length);
                return;
            }

            EndHeading();       // it was never closed: the rest is text
        }

        if (_preDepth > 0)
        {
            AddVerbatim(c, source, length);
            return;
        }

        if (char.IsWhiteSpace(c))
        {
            _pendingSpace = true;
            return;
        }

        _bare = default;
        if (_blockStart < 0)
        {
            _blockStart = _text.Length;
        }
        else if (_pendingSpace && _text.Length > _blockStart && !char.IsWhiteSpace(_text[^1]))
        {
            AddSpace(source);
        }

        _pendingSpace = false;
        _map.Add(_text.Length, source, length);
        _text.Append(c);
    }

    private void AddToHeading(char c, int source, int length)
    {
        Append(_heading, c, MaxHeading);
        if (char.IsWhiteSpace(c))
        {
            _pendingSpace = true;
            return;
        }

        if (_pendingSpace && _text.Length > _headingStart)
        {
            AddSpace(source);
        }

        _pendingSpace = false;
        _map.Add(_text.Length, source, length);
        _text.Append(c);
    }

    // Lines and indentation of preformatted text say something.
    private void AddVerbatim(char c, int source, int length)
    {
        if (c == '\r')
        {
            return;
        }

        if (_blockStart < 0)
        {
            if (c == '\n')
            {
                return;
            }

            _blockStart = _text.Length;
        }

        _bare = default;
        _map.Add(_text.Length, source, length);
        _text.Append(c);
    }

    private void AddSpace(int source)
    {
        _map.Add(_text.Length, source - 1, source > 0 && char.IsWhiteSpace(html[source - 1]) ? 1 : 0);
        _text.Append(' ');
    }

    private void Newline(int at)
    {
        if (_blockStart >= 0)
        {
            _map.Add(_text.Length, at, 0);
            _text.Append('\n');
        }
    }

    private static void Append(StringBuilder target, char c, int most)
    {
        if (!char.IsWhiteSpace(c))
        {
            target.Append(c);
        }
        else if (target.Length > 0 && target.Length < most && target[^1] != ' ')
        {
            target.Append(' ');
        }
    }

    private void Pre(bool isStart)
    {
        if (InTable)
        {
            LeaveTable();
        }

        EndHeading();
        if (_preDepth == 0 || (!isStart && _preDepth == 1))
        {
            EndBlock();
        }

        _preDepth = Math.Max(0, _preDepth + (isStart ? 1 : -1));
    }

    private void Table(bool isStart)
    {
        if (!isStart)
        {
            if (InTable)
            {
                EndRow();
            }

            EndBlock();
            _tables = Math.Max(0, _tables - 1);
            _isLayout = _tables > 0 && _isLayout;
            return;
        }

        EndHeading();
        if (_tables > 0)
        {
            LeaveTable();
        }

        if (_preDepth == 0)
        {
            EndBlock();
        }

        _tables++;
        (_row, _rows, _headEnd, _inHead) = (-1, 0, 0, false);
    }

    // What looked like a table of data is a page's layout.
    private void LeaveTable()
    {
        if (InTable)
        {
            _isLayout = true;
            _row = -1;
            EndBlock(TextBlockKind.Paragraph);
        }
    }

    private void EndRow()
    {
        if (_row > 0 && _blockStart >= 0)
        {
            _rows++;
            if (_inHead || (_isHeadRow && _rows == 1))
            {
                _headEnd = _text.Length;
            }
        }

        _row = -1;
        _pendingSpace = false;
    }

    private void StartCell(bool isHead, int at)
    {
        _pendingSpace = false;
        if (_row < 0)
        {
            _row = 0;
        }

        if (_row == 0)
        {
            _isHeadRow = isHead;
            if (_blockStart >= 0 && _text[^1] != '\n')
            {
                Newline(at);
            }
        }
        else
        {
            if (_blockStart < 0)
            {
                _blockStart = _text.Length;
            }

            _isHeadRow &= isHead;
            string between = _text.Length > _blockStart && _text[^1] is not ('\n' or ' ') ? " | " : "| ";
            foreach (char c in between)
            {
                _map.Add(_text.Length, at, 0);
                _text.Append(c);
            }
        }

        _row++;
    }

    private void EndHeading()
    {
        if (_headingLevel > 0 && _heading.Length > 0 && _text.Length > _headingStart)
        {
            if (char.IsHighSurrogate(_heading[^1]))
            {
                _heading.Length--;
            }

            int level = _headingLevel;
            _headingLevel = 0;
            int end = _text.Length;
            AddBare(level);
            _path[level - 1] = _heading.ToString().TrimEnd();
            Array.Clear(_path, level, 6 - level);
            _bare = (_headingStart, end, level);
            _text.Append("\n\n");
            _pendingSpace = false;
        }

        _heading.Clear();
        _headingLevel = 0;
    }

    // A heading without text of its own and without parts becomes a passage, so that it is found; others are found with
    // the text below them.
    private void AddBare(int nextLevel)
    {
        if (_bare.End > 0 && nextLevel <= _bare.Level)
        {
            string above = TextBlock.Path(_path.AsSpan(0, _bare.Level - 1));
            _blocks.Add(new TextBlock(_bare.Start, _bare.End, above));
        }

        _bare = default;
    }

    private void EndBlock(TextBlockKind? kind = null)
    {
        if (_blockStart >= 0)
        {
            bool isTable = InTable && _rows > 0 && kind is null;
            TextBlockKind other = _preDepth > 0 ? TextBlockKind.Code : kind ?? TextBlockKind.Paragraph;
            _blocks.Add(new TextBlock(_blockStart, _text.Length, TextBlock.Path(_path))
            {
                Kind = isTable ? TextBlockKind.Table : other,
                HeadEnd = HeadEnd(isTable),
            });
            _text.Append("\n\n");
            _blockStart = -1;
        }

        _pendingSpace = false;
    }

    private int HeadEnd(bool isTable)
    {
        if (isTable)
        {
            return _headEnd > _blockStart && _headEnd < _text.Length ? _headEnd + 1 : _blockStart;
        }

        for (int i = _blockStart; _preDepth > 0 && i < _text.Length && i < _blockStart + MaxHeading; i++)
        {
            if (_text[i] == '\n')
            {
                return i + 1;
            }
        }

        return _blockStart;
    }
}
