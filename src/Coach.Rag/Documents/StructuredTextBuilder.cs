using System.Text;

namespace Coach.Rag;

/// <summary>Puts a document's text together, block by block, for readers of formats that are no text
/// themselves.</summary>
public sealed class StructuredTextBuilder
{
    private const int MaxHeading = 300;
    private const int MaxMetadata = 64;
    private const int MaxMetadataLength = 1_000;

    private readonly StringBuilder _text = new();
    private readonly List<TextBlock> _blocks = [];
    private readonly string[] _path = new string[6];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _notes = [];
    private readonly long _maxCharacters;
    private readonly string? _source;
    private readonly Documents.SourceMap? _map;
    private int _sourceEnd;
    private (int Start, int End, int Level, string Above) _bare;     // a heading without text so far

    /// <summary>Starts a text.</summary>
    /// <param name="maxCharacters">The most characters of it.</param>
    /// <param name="source">
    /// The document as it was given, when it is text: then passages point at it, and <see cref="AddSource"/> takes
    /// ranges
    /// of it. Null: they point at the text that is put together here.
    /// </param>
    public StructuredTextBuilder(long maxCharacters = int.MaxValue / 2, string? source = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxCharacters);
        _maxCharacters = maxCharacters;
        _source = source;
        _map = source is null ? null : new Documents.SourceMap();
    }

    /// <summary>The document's title.</summary>
    /// <value>Empty unless set: then the first heading of the first level serves.</value>
    public string Title { get; set; } = "";

    /// <summary>The page, slide or sheet of what is added next, from 1.</summary>
    /// <value>0 for none, unless set.</value>
    public int Page { get; set; }

    /// <summary>The characters so far.</summary>
    public int Length => _text.Length;

    /// <summary>Adds a heading; what is added next stands below it.</summary>
    /// <param name="level">1 (outermost) to 6; others are taken as the nearest.</param>
    /// <param name="text">Its words; a blank heading is left out.</param>
    public void AddHeading(int level, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string name = OneLine(text);
        if (name.Length == 0)
        {
            return;
        }

        level = Math.Clamp(level, 1, _path.Length);
        EndBare(level);
        if (Title.Length == 0 && level == 1)
        {
            Title = name;
        }

        string above = TextBlock.Path(_path.AsSpan(0, level - 1));
        _path[level - 1] = name;
        Array.Clear(_path, level, _path.Length - level);
        int start = Begin();
        Append(name);
        _bare = (start, _text.Length, level, above);
    }

    /// <summary>
    /// Adds a block of ranges of the source, one after the other as they are, without white space at their end.
    /// </summary>
    /// <param name="kind">What it is.</param>
    /// <param name="ranges">The ranges, ascending; a block without any visible character is left out.</param>
    /// <param name="headEnd">
    /// Of a table: the position in the source where its head ends; 0 for none.
    /// </param>
    /// <exception cref="InvalidOperationException">The text has no source.</exception>
    public void AddSource(TextBlockKind kind, IReadOnlyList<Range> ranges, int headEnd = 0)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        string source = _source ?? throw new InvalidOperationException("The text has no source.");
        int start = -1;
        int head = -1;
        int last = ranges.Count - 1;
        while (last >= 0 && source.AsSpan()[ranges[last]].IsWhiteSpace())
        {
            last--;
        }

        for (int i = 0; i <= last; i++)
        {
            (int offset, int length) = ranges[i].GetOffsetAndLength(source.Length);
            ReadOnlySpan<char> words = source.AsSpan(offset, length);
            if (start < 0)
            {
                if (words.IsWhiteSpace())
                {
                    continue;
                }

                // The indentation of a line of code, of a table or of an item says something.
                int indent = kind == TextBlockKind.Paragraph ? length - words.TrimStart().Length : 0;
                (offset, length) = (offset + indent, length - indent);
                start = Begin();
            }

            if (head < 0 && headEnd > 0 && offset >= headEnd)
            {
                head = _text.Length;
            }

            length = i == last ? source.AsSpan(offset, length).TrimEnd().Length : length;
            Check(length);
            _map!.AddRun(_text.Length, offset, length);
            _text.Append(source, offset, length);
            _sourceEnd = offset + length;
        }

        if (start >= 0)
        {
            _blocks.Add(new TextBlock(start, _text.Length, TextBlock.Path(_path))
            {
                Kind = kind,
                Page = Page,
                HeadEnd = Math.Max(head, start),
            });
            _bare = default;
        }
    }

    /// <summary>Adds the blocks of another text, with its headings below the ones that are open.</summary>
    /// <param name="text">The text.</param>
    /// <param name="level">How many levels of headings stay open above it, from 0.</param>
    public void AddBlocksOf(StructuredText text, int level = 0)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        string[] open = [];
        int page = Page;
        foreach (TextBlock block in text.Blocks)
        {
            string[] path = block.Heading.Length == 0 ? [] : block.Heading.Split(TextBlock.Separator);
            int same = open.AsSpan().CommonPrefixLength(path);
            int from = Math.Min(_path.Length, level + same);
            if (same < open.Length)
            {
                EndBare(from + 1);
                Array.Clear(_path, from, _path.Length - from);
            }

            for (int i = same; i < path.Length && level + i < _path.Length; i++)
            {
                AddHeading(level + i + 1, path[i]);
            }

            open = path;
            Page = block.Page > 0 ? block.Page : page;
            int start = Add(text.Text[block.Start..block.End], block.Kind);
            if (start >= 0)
            {
                _blocks[^1] = _blocks[^1] with
                {
                    BodyStart = Moved(block.BodyStart),
                    BodyEnd = Moved(block.BodyEnd),
                    HeadEnd = Moved(block.HeadEnd),
                    Rows = block.Rows,
                };
            }

            // Line ends of two characters are one here.
            int Moved(int position)
            {
                int length = Math.Clamp(position - block.Start, 0, block.End - block.Start);
                int pairs = text.Text.AsSpan(block.Start, length).Count("\r\n");
                return Math.Min(_text.Length, start + length - pairs);
            }
        }

        Page = page;
        foreach ((string name, string value) in text.Metadata)
        {
            AddMetadata(name, value);
        }

        foreach (string note in text.Notes)
        {
            AddNote(note);
        }
    }

    /// <summary>Adds a paragraph.</summary>
    /// <param name="text">Its text; a blank paragraph is left out.</param>
    public void AddParagraph(string text) => Add(text, TextBlockKind.Paragraph);

    /// <summary>Adds an item of a list.</summary>
    /// <param name="text">Its text, without a mark; a blank item is left out.</param>
    /// <param name="depth">How deep it stands, from 0.</param>
    public void AddListItem(string text, int depth = 0)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!string.IsNullOrWhiteSpace(text))
        {
            Add(new string(' ', Math.Clamp(depth, 0, 16) * 2) + "- " + text.Trim(), TextBlockKind.ListItem);
        }
    }

    /// <summary>Adds code: its lines and their indentation are kept.</summary>
    /// <param name="text">The code; blank code is left out.</param>
    public void AddCode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string code = text.TrimEnd();
        int start = Add(code, TextBlockKind.Code);
        if (start >= 0)
        {
            int line = code.IndexOf('\n', StringComparison.Ordinal);
            _blocks[^1] = _blocks[^1] with { HeadEnd = line < 0 ? start : start + line + 1 };
        }
    }

    /// <summary>
    /// Adds a table, a row a line: cells stay in their columns, empty ones too; line ends within a cell become spaces.
    /// </summary>
    /// <param name="rows">The rows; rows without any text are left out.</param>
    /// <param name="headRows">How many rows at the start are its head.</param>
    public void AddTable(IEnumerable<IReadOnlyList<string>> rows, int headRows = 1)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(headRows);
        int start = -1;
        int headEnd = -1;
        int count = 0;
        foreach (IReadOnlyList<string> row in rows)
        {
            count++;
            int cells = row.Count;
            while (cells > 0 && string.IsNullOrWhiteSpace(row[cells - 1]))
            {
                cells--;
            }

            if (cells > 0)
            {
                if (start < 0)
                {
                    start = Begin();
                }
                else
                {
                    Append("\n");
                }

                for (int i = 0; i < cells; i++)
                {
                    Append(i == 0 ? "" : " | ");
                    Append(OneLine(row[i] ?? "", int.MaxValue));
                }
            }

            if (count == headRows && start >= 0)
            {
                headEnd = _text.Length;
            }
        }

        if (start >= 0)
        {
            bool hasRows = headEnd > 0 && headEnd < _text.Length;
            _blocks.Add(new TextBlock(start, _text.Length, TextBlock.Path(_path))
            {
                Kind = TextBlockKind.Table,
                Page = Page,
                HeadEnd = hasRows ? headEnd + 1 : start,
            });
            _bare = default;
        }
    }

    /// <summary>Adds a value to filter by. Blank ones, and those past 64, are left out; long ones are cut.</summary>
    /// <param name="name">Its name, in lower case.</param>
    /// <param name="value">The value.</param>
    public void AddMetadata(string name, string? value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (!string.IsNullOrWhiteSpace(value) && _metadata.Count < MaxMetadata)
        {
            string one = OneLine(value, MaxMetadataLength);
            _metadata.TryAdd(name, one);
        }
    }

    /// <summary>Notes what had to be guessed or was left out, for the report: no document text.</summary>
    /// <param name="note">A sentence.</param>
    public void AddNote(string note)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(note);
        if (_notes.Count < 16)
        {
            _notes.Add(note);
        }
    }

    /// <summary>Forgets the headings, as at the start of another document in the same file.</summary>
    public void ClearHeadings()
    {
        EndBare(1);
        Array.Clear(_path);
    }

    /// <summary>The document.</summary>
    /// <returns>What was added.</returns>
    public StructuredText Build()
    {
        EndBare(1);
        return new StructuredText(_text.ToString(), Title.Trim(), [.. _blocks])
        {
            Metadata = _metadata,
            Notes = [.. _notes],
            Map = _map
        };
    }

    private int Add(string text, TextBlockKind kind)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (string.IsNullOrWhiteSpace(text))
        {
            return -1;
        }

        int start = Begin();
        Append(kind == TextBlockKind.Paragraph ? text.Trim() : text);
        _blocks.Add(new TextBlock(start, _text.Length, TextBlock.Path(_path)) { Kind = kind, Page = Page });
        _bare = default;
        return start;
    }

    private int Begin()
    {
        if (_text.Length > 0)
        {
            Place("\n\n");
        }

        return _text.Length;
    }

    private void Append(string text)
    {
        Check(text.Length);
        Place(Documents.DocumentReader.WithoutLoneSurrogates(text.Replace("\r\n", "\n", StringComparison.Ordinal)));
    }

    private void Check(long length)
    {
        if (_text.Length + length > _maxCharacters)
        {
            throw RagException.DocumentRefused(
                DocumentRefusal.TooLarge, $"has more than {_maxCharacters} characters of text; split it");
        }
    }

    // Words that are given and not taken from the source are placed in it if they come next, as a heading's do.
    private void Place(string text)
    {
        if (_map is not null)
        {
            int found = string.IsNullOrWhiteSpace(text) ? -1
                : _source.AsSpan(_sourceEnd, Math.Min(512 + text.Length, _source!.Length - _sourceEnd)).IndexOf(text);
            if (found >= 0 && found < 256)
            {
                _map.AddRun(_text.Length, _sourceEnd + found, text.Length);
                _sourceEnd += found + text.Length;
            }
            else
            {
                for (int i = 0; i < text.Length; i++)
                {
                    _map.Add(_text.Length + i, _sourceEnd, 0);
                }
            }
        }

        _text.Append(text);
    }

    // A heading without text of its own and without parts is found as a passage; others with the text below them.
    private void EndBare(int nextLevel)
    {
        if (_bare.End > 0 && nextLevel <= _bare.Level)
        {
            _blocks.Add(new TextBlock(_bare.Start, _bare.End, _bare.Above) { Page = Page });
        }

        _bare = default;
    }

    private static string OneLine(string text, int most = MaxHeading)
    {
        var line = new StringBuilder(Math.Min(text.Length, 256));
        foreach (char c in text)
        {
            if (line.Length >= most)
            {
                break;
            }

            if (!char.IsWhiteSpace(c) && c != TextBlock.Separator)
            {
                line.Append(c);
            }
            else if (line.Length > 0 && line[^1] != ' ')
            {
                line.Append(' ');
            }
        }

        if (line.Length > 0 && char.IsHighSurrogate(line[^1]))
        {
            line.Length--;
        }

        return line.ToString().TrimEnd();
    }
}
