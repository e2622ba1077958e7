using Coach.Rag.Analysis;

namespace Coach.Rag.Documents;

/// <summary>
/// Packs blocks into passages of at most so many tokens, which never cross a section but from a tiny one into its own
/// parts. Code is cut between lines and tables between rows, each piece with the first line or the head; blocks of
/// either that fit are whole.
/// </summary>
/// <param name="maxTokens">The most tokens of a passage.</param>
/// <param name="overlapTokens">How many tokens two passages of a section share at most.</param>
/// <param name="counter">
/// What counts tokens, and says how many an encoder reads: a passage with its title and headings has no more. An
/// estimate unless given.
/// </param>
internal sealed class Chunker(int maxTokens, int overlapTokens, ITokenCounter? counter = null)
{
    private readonly ITokenCounter _counter = counter ?? EstimatedTokenCounter.Instance;

    // Code so short is never cut, unless passages are made smaller than it by the options.
    private const int WholeCode = 500;

    private enum Piece
    {
        /// <summary>Joins with what is around it, and may be repeated.</summary>
        Text,

        /// <summary>Joins with what is around it.</summary>
        Whole,

        /// <summary>Leads to what follows: a question, "as follows:". No passage ends with it if it can be
        /// helped.</summary>
        Lead,

        /// <summary>Joins with pieces of its own block only.</summary>
        Alone,
    }

    private readonly record struct Unit(int Start, int End, int Tokens, TextBlock Block, Piece Piece)
    {
        public string Heading => Block.Heading;

        /// <summary>The most tokens of a passage that starts here.</summary>
        public int Most { get; init; }

        public int HeadTokens { get; init; }

        /// <summary>Whether a passage that starts here repeats its block's head.</summary>
        public bool IsFurther { get; init; }
    }

    /// <summary>What passages below a heading may have: of text, and at most.</summary>
    private readonly record struct Limit(string Heading, int Tokens, int Window);

    public List<Chunk> Split(StructuredText document)
    {
        string text = document.Text;
        var chunks = new List<Chunk>();
        var units = new List<Unit>();
        Limit limit = LimitOf(document.Title, "");
        foreach (TextBlock block in document.Blocks)
        {
            limit = limit.Heading == block.Heading ? limit : LimitOf(document.Title, block.Heading);
            AddUnits(text, WithHead(text, block), limit, units);
        }

        int first = 0;
        while (first < units.Count)
        {
            int end = EndOf(text, units, first);
            Emit(text, units, first, end, chunks);
            first = end < units.Count ? NextStart(text, units, first, end) : end;
        }

        return chunks;
    }

    // The encoder reads title and headings before the text; long ones leave a part of its window nevertheless.
    private Limit LimitOf(string title, string heading)
    {
        if (_counter.MaxTokens == int.MaxValue)
        {
            return new Limit(heading, maxTokens, int.MaxValue);
        }

        int above = _counter.CountTokens(heading)
            + (heading.StartsWith(title, StringComparison.Ordinal) ? 0 : _counter.CountTokens(title));
        int window = Math.Max(Math.Max(1, _counter.MaxTokens / 4), _counter.MaxTokens - above);
        return new Limit(heading, Math.Min(maxTokens, window), window);
    }

    // The first line of code is its head unless its reader has said what is.
    private static TextBlock WithHead(string text, TextBlock block)
    {
        if (block.Kind != TextBlockKind.Code || block.HeadEnd > block.BodyStart)
        {
            return block;
        }

        int line = text.AsSpan(block.BodyStart, block.BodyEnd - block.BodyStart).IndexOf('\n');
        return line < 0 ? block : block with { HeadEnd = block.BodyStart + line + 1 };
    }

    private int EndOf(string text, List<Unit> units, int first)
    {
        int tokens = units[first].Tokens + (units[first].IsFurther ? units[first].HeadTokens : 0);
        int end = first + 1;
        while (end < units.Count && Belongs(units, first, end, tokens))
        {
            // What is between two units, such as a heading, is part of the passage too.
            int more = Tokens(text, units[end - 1].End, units[end].Start) + units[end].Tokens;
            if (tokens + more > units[first].Most)
            {
                break;
            }

            tokens += more;
            end++;
        }

        while (end < units.Count && end - 1 > first && units[end - 1].Piece == Piece.Lead
            && units[end].Heading == units[end - 1].Heading)
        {
            end--;
        }

        return end;
    }

    // Start the next passage with the last sentences of this one, as many as the overlap holds.
    private int NextStart(string text, List<Unit> units, int first, int end)
    {
        int next = end;
        if (units[end].Heading != units[end - 1].Heading || units[end].Piece == Piece.Alone)
        {
            return next;
        }

        int repeated = 0;
        while (next - 1 > first && units[next - 1].Piece is Piece.Text or Piece.Lead
            && repeated + units[next - 1].Tokens <= overlapTokens
            && units[next - 1].Heading == units[end].Heading
            && Tokens(text, units[next - 1].Start, units[end].Start) + units[end].Tokens <= units[end].Most)
        {
            next--;
            repeated += units[next].Tokens;
        }

        return next;
    }

    // A section much shorter than a passage is joined with the part of it that follows: its heading is above both.
    private bool Belongs(List<Unit> units, int first, int unit, int tokens)
    {
        Unit one = units[unit - 1];
        Unit other = units[unit];
        if ((one.Piece == Piece.Alone || other.Piece == Piece.Alone) && one.Block != other.Block)
        {
            return false;
        }

        return other.Heading == one.Heading
            || (tokens < maxTokens / 8 && IsAbove(units[first].Heading, other.Heading));
    }

    private static bool IsAbove(string heading, string other) =>
        heading.Length == 0
            || (other.Length > heading.Length && other[heading.Length] == TextBlock.Separator
            && other.StartsWith(heading, StringComparison.Ordinal));

    private int Tokens(string text, int start, int end) =>
        end > start ? _counter.CountTokens(text.AsSpan(start, end - start)) : 0;

    private static void Emit(string text, List<Unit> units, int first, int end, List<Chunk> chunks)
    {
        Unit unit = units[first];
        int start = unit.Start;
        int last = units[end - 1].End;
        while (last > start && char.IsWhiteSpace(text[last - 1]))
        {
            last--;
        }

        // The indentation of a line of code is part of it.
        bool isLines = unit.Block.Kind is TextBlockKind.Code or TextBlockKind.Table;
        int line = start;
        while (start < last && char.IsWhiteSpace(text[start]))
        {
            line = text[start] == '\n' ? start + 1 : line;
            start++;
        }

        start = isLines && line < last ? line : start;
        if (last <= start)
        {
            return;
        }

        // What stands before the first heading is headed by it when both are in one passage.
        string heading = unit.Heading;
        for (int i = first + 1; i < end && heading.Length == 0; i++)
        {
            heading = units[i].Heading;
        }

        int headEnd = unit.Block.HeadEnd;
        while (headEnd > unit.Block.BodyStart && text[headEnd - 1] is '\n' or '\r')
        {
            headEnd--;
        }

        chunks.Add(new Chunk(start, last - start, heading)
        {
            HeadStart = unit.IsFurther ? unit.Block.BodyStart : 0,
            HeadLength = unit.IsFurther ? headEnd - unit.Block.BodyStart : 0,
            Page = unit.Block.Page,
        });
    }

    private void AddUnits(string text, TextBlock block, Limit limit, List<Unit> units)
    {
        ReadOnlySpan<char> all = text.AsSpan(block.Start, block.End - block.Start);
        int tokens = _counter.CountTokens(all);
        bool isLines = block.Kind is TextBlockKind.Code or TextBlockKind.Table;
        bool fits = isLines
            ? tokens <= limit.Tokens
                || (block.Kind == TextBlockKind.Code && all.Length <= WholeCode && maxTokens >= 100)
            : tokens <= Math.Max(overlapTokens, limit.Tokens / 4);
        if (fits)
        {
            Piece ofText = LeadsOn(all, tokens) ? Piece.Lead : Piece.Text;
            units.Add(new Unit(block.Start, block.End, tokens, block, isLines ? Piece.Whole : ofText)
            {
                Most = limit.Tokens,
            });
        }
        else if (isLines)
        {
            AddLines(text, block, limit, units);
        }
        else
        {
            AddSentences(text, block, limit.Tokens, units);
        }
    }

    private static bool LeadsOn(ReadOnlySpan<char> text, int tokens)
    {
        ReadOnlySpan<char> end = text.TrimEnd().TrimEnd("*_\"'”»");
        return tokens <= 40 && end is [.., '?' or ':' or '？' or '：'];
    }

    private void AddLines(string text, TextBlock block, Limit limit, List<Unit> units)
    {
        int headTokens = Tokens(text, block.BodyStart, block.HeadEnd);
        headTokens = headTokens > limit.Tokens / 2 ? 0 : headTokens;
        Piece piece = block.Kind == TextBlockKind.Code ? Piece.Alone : Piece.Whole;
        int start = block.BodyStart;
        while (start < block.BodyEnd)
        {
            int end = RowEnd(text, block, start);

            // The lines of a head stay together.
            end = start < block.HeadEnd && headTokens > 0 ? block.HeadEnd : end;
            AddLine(text, new Unit(start, end, 0, block, piece)
            {
                HeadTokens = headTokens,
                IsFurther = headTokens > 0 && start >= block.HeadEnd,
                Most = limit.Tokens,
            }, limit, units);
            start = end;
        }
    }

    // The end of a line, or of the lines of a drawn row.
    private static int RowEnd(string text, TextBlock block, int start)
    {
        int line = start;
        bool isEnd = false;
        while (line < block.BodyEnd && !isEnd)
        {
            int next = Math.Min(block.BodyEnd, DrawnTable.Next(text, line));
            ReadOnlySpan<char> content = text.AsSpan(line, next - line).TrimStart();
            isEnd = block.Rows switch
            {
                TableRows.Ruled => content is ['+', ..],
                TableRows.Spaced => content.IsEmpty,
                _ => true,
            };
            line = next;
        }

        return line;
    }

    private void AddLine(string text, Unit line, Limit limit, List<Unit> units)
    {
        // A row may be somewhat longer than a passage; what is longer still is cut, at a cell's edge if there is one.
        bool isTable = line.Block.Kind == TextBlockKind.Table;
        int fitting = Math.Max(1, limit.Tokens - line.HeadTokens);
        int most = isTable && maxTokens >= 100
            ? Math.Max(fitting, Math.Min(limit.Tokens * 2, limit.Window - line.HeadTokens))
            : fitting;
        int start = line.Start;
        while (start < line.End)
        {
            int tokens = Tokens(text, start, line.End);
            int next = line.End;
            if (tokens > most)
            {
                next = start + CutAt(text.AsSpan(start, line.End - start), fitting, isTable);
                tokens = Tokens(text, start, next);
            }

            if (tokens > 0)
            {
                units.Add(line with { Start = start, End = next, Tokens = tokens });
            }

            start = next;
        }
    }

    private void AddSentences(string text, TextBlock block, int most, List<Unit> units)
    {
        int start = block.Start;
        while (start < block.End)
        {
            int end = SentenceEnd(text, start, block.End);
            int count = Tokens(text, start, end);
            if (count > most)
            {
                end = start + CutAt(text.AsSpan(start, end - start), most, isTable: false);
                count = most;
            }

            if (count > 0)
            {
                units.Add(new Unit(start, end, count, block, Piece.Text) { Most = most });
            }

            start = end;
        }
    }

    // Prefers a cell's edge or a line's end, then a space, in the last quarter of what fits.
    private int CutAt(ReadOnlySpan<char> text, int tokens, bool isTable)
    {
        int end = _counter.GetIndexByTokenCount(text, Math.Max(1, tokens));
        if (end == text.Length)
        {
            return end;
        }

        int from = isTable ? end / 4 : end * 3 / 4;
        int line = text[from..end].LastIndexOf(isTable ? '|' : '\n');
        if (line >= 0)
        {
            return from + line + 1;
        }

        int space = text[from..end].LastIndexOfAny(' ', '\t');
        return space >= 0 ? from + space + 1 : end;
    }

    private int SentenceEnd(string text, int start, int end)
    {
        // A sentence longer than this is cut by tokens anyway; looking further would make hostile text quadratic.
        int limit = Math.Min(end, start + Math.Max(2_000, maxTokens * 16));
        for (int i = start; i < limit; i++)
        {
            char c = text[i];
            if (c is '。' or '！' or '？')
            {
                return i + 1;
            }

            if (c is '.' or '!' or '?' && i + 1 < end && char.IsWhiteSpace(text[i + 1]))
            {
                return i + 2;
            }

            if (c == '\n' && StartsItem(text, i + 1, end))
            {
                return i + 1;
            }
        }

        return limit < end && char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit;
    }

    // A blank line, or the mark of a list's item, at any indentation that a list has.
    private static bool StartsItem(string text, int at, int end)
    {
        int most = Math.Min(end, at + 24);
        while (at < most && text[at] is ' ' or '\t')
        {
            at++;
        }

        return at < end && text[at] is '\n' or '|' or '-' or '*' or '+';
    }
}
