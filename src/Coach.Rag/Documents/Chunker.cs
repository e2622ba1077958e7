using Coach.Rag.Analysis;

namespace Coach.Rag.Documents;

/// <summary>
/// Packs blocks into passages of at most so many tokens, which never cross a section but from a tiny one into its own
/// parts.
/// </summary>
internal sealed class Chunker(int maxTokens, int overlapTokens)
{
    private readonly record struct Unit(int Start, int End, int Tokens, string Heading);

    public List<Chunk> Split(StructuredText document)
    {
        string text = document.Text;
        var chunks = new List<Chunk>();
        var units = new List<Unit>();
        foreach (TextBlock block in document.Blocks)
        {
            AddUnits(text, block, units);
        }

        int first = 0;
        while (first < units.Count)
        {
            int tokens = units[first].Tokens;
            int end = first + 1;
            while (end < units.Count && Belongs(units, first, end, tokens))
            {
                // What is between two units, such as a heading, is part of the passage too.
                int more = Tokens(text, units[end - 1].End, units[end].Start) + units[end].Tokens;
                if (tokens + more > maxTokens)
                {
                    break;
                }

                tokens += more;
                end++;
            }

            Emit(text, units[first].Start, units[end - 1].End, units[first].Heading, chunks);
            int next = end;
            if (end < units.Count && units[end].Heading == units[end - 1].Heading)
            {
                // Start the next passage with the last sentences of this one, as many as the overlap holds.
                int repeated = 0;
                while (next - 1 > first && repeated + units[next - 1].Tokens <= overlapTokens
                    && units[next - 1].Heading == units[end].Heading
                    && Tokens(text, units[next - 1].Start, units[end].Start) + units[end].Tokens <= maxTokens)
                {
                    next--;
                    repeated += units[next].Tokens;
                }
            }

            first = next;
        }

        return chunks;
    }

    // A section much shorter than a passage is joined with the part of it that follows: its heading is above both.
    private bool Belongs(List<Unit> units, int first, int unit, int tokens) =>
        units[unit].Heading == units[unit - 1].Heading
            || (tokens < maxTokens / 8 && IsAbove(units[first].Heading, units[unit].Heading));

    private static bool IsAbove(string heading, string other) =>
        heading.Length == 0
            || (other.Length > heading.Length && other[heading.Length] == TextBlock.Separator
            && other.StartsWith(heading, StringComparison.Ordinal));

    private static int Tokens(string text, int start, int end) =>
        end > start ? TokenCounter.Count(text.AsSpan(start, end - start)) : 0;

    private static void Emit(string text, int start, int end, string heading, List<Chunk> chunks)
    {
        while (start < end && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        while (end > start && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        if (end > start)
        {
            chunks.Add(new Chunk(start, end - start, heading));
        }
    }

    private void AddUnits(string text, TextBlock block, List<Unit> units)
    {
        int tokens = TokenCounter.Count(text.AsSpan(block.Start, block.End - block.Start));
        if (tokens <= Math.Max(overlapTokens, maxTokens / 4))
        {
            units.Add(new Unit(block.Start, block.End, tokens, block.Heading));
            return;
        }

        int start = block.Start;
        while (start < block.End)
        {
            int end = SentenceEnd(text, start, block.End);
            int count = TokenCounter.Count(text.AsSpan(start, end - start));
            if (count > maxTokens)
            {
                end = start + CutAt(text.AsSpan(start, end - start), maxTokens);
                count = maxTokens;
            }

            if (count > 0)
            {
                units.Add(new Unit(start, end, count, block.Heading));
            }

            start = end;
        }
    }

    // Prefers a line's end, then a space, in the last quarter of what fits.
    private static int CutAt(ReadOnlySpan<char> text, int tokens)
    {
        int end = TokenCounter.Prefix(text, tokens);
        if (end == text.Length)
        {
            return end;
        }

        int from = end * 3 / 4;
        int line = text[from..end].LastIndexOf('\n');
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

            if (c == '\n' && i + 1 < end && (text[i + 1] is '\n' or '|' or '-' or '*'))
            {
                return i + 1;
            }
        }

        return limit < end && char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit;
    }
}
