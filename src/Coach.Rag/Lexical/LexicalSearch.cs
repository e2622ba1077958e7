using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Coach.Rag.Segments;
using Coach.Rag.Store;

namespace Coach.Rag.Lexical;

/// <summary>
/// BM25 over one segment, window by window: the terms whose block maxima together cannot reach the threshold are looked
/// up only for rows that the other terms found (MaxScore: Turtle and Flood 1995; block maxima: Ding and Suel, SIGIR
/// 2011; windows: Lucene's MaxScoreBulkScorer). Exact: the same rows as scoring everything.
/// </summary>
internal static unsafe class LexicalSearch
{
    // Sums of floats differ in their last bits with the order of the terms; bounds get this much slack.
    private const float Slack = 1.00001f;

    /// <summary>The best rows of a whole index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="query">The question, weighed by it.</param>
    /// <param name="request">The formula's parameters, how many rows are wanted, and which may be found.</param>
    /// <param name="buffers">The memory to work in.</param>
    /// <param name="output">Takes the rows, best first.</param>
    /// <returns>How many were found.</returns>
    public static int Run(
        IndexReader index, WeightedQuery query, in LexicalRequest request, LexicalBuffers buffers,
        Span<ScoreDoc> output)
    {
        buffers.Top.Reset(request.Limit);
        var model = new Bm25(request.K1, request.B, index.AverageLength);
        for (int s = 0; s < index.Segments.Count; s++)
        {
            (SegmentReader reader, FixedBitSet deleted) = index.Segments[s];
            var segment = new SegmentScan(reader, s, deleted.Bytes.Span, request.Allowed?[s]);
            Run(segment, query.Terms, model, buffers, request.Prune);
        }

        return buffers.Top.Drain(output);
    }

    /// <summary>The share of a question's weight whose terms a row holds.</summary>
    /// <returns>0 to 1; 0 when the index knows none of the terms.</returns>
    public static float Coverage(IndexReader index, WeightedQuery query, long row, LexicalBuffers buffers)
    {
        float all = 0;
        foreach (ref readonly WeightedTerm term in query.Terms)
        {
            all += term.Weight;
        }

        return all > 0 ? Held(index, query, row, buffers).Weight / all : 0;
    }

    /// <summary>The weight and the number of a question's terms that a row holds.</summary>
    public static (float Weight, int Terms) Held(
        IndexReader index, WeightedQuery query, long row, LexicalBuffers buffers)
    {
        var at = new ScoreDoc(row, 0);
        SegmentReader segment = index.Segments[at.Segment].Reader;
        byte* postings = PostingsOf(segment);
        float weight = 0;
        int terms = 0;
        foreach (ref readonly WeightedTerm term in query.Terms)
        {
            if (term.Weight > 0 && segment.TryFind(term.Bytes.Span, out TermStatistics statistics))
            {
                var cursor = PostingsEnum.Open(postings, statistics, buffers.BlockOf(0));
                if (cursor.Seek(at.Local) && cursor.Rows[cursor.At] == at.Local)
                {
                    weight += term.Weight;
                    terms++;
                }
            }
        }

        return (weight, terms);
    }

    private static void Run(
        SegmentScan segment, ReadOnlySpan<WeightedTerm> query, Bm25 model, LexicalBuffers buffers, bool prune)
    {
        int terms = Open(segment.Reader, query, model, buffers, prune);
        if (terms == 0)
        {
            return;
        }

        int rows = segment.Reader.Rows;
        fixed (ushort* lengths = segment.Reader.Lengths)
        {
            for (int start = 0; start < rows; start += LexicalBuffers.Window)
            {
                var window = new Window(start, Math.Min(start + LexicalBuffers.Window, rows), lengths);
                float threshold = prune ? buffers.Top.Threshold : float.NegativeInfinity;
                int essential = Partition(buffers, terms, window, threshold);
                if (essential < terms)
                {
                    Score(buffers, terms, essential, window, model);
                    Collect(buffers, essential, window, model, segment);
                }
            }
        }
    }

    private static int Open(
        SegmentReader segment, ReadOnlySpan<WeightedTerm> query, Bm25 model, LexicalBuffers buffers, bool prune)
    {
        // A bound holds for another average length too, once scaled: a longer average makes weights larger by at most
        // the ratio.
        Bm25 built = segment.BuiltWith;
        bool usable = prune && built.K1 == model.K1 && built.B == model.B && built.AverageLength > 0;
        float scale = usable ? Math.Max(1, model.AverageLength / built.AverageLength) : -1;
        byte* postings = PostingsOf(segment);
        int terms = 0;
        foreach (ref readonly WeightedTerm term in query)
        {
            if (term.Weight <= 0
                || terms == LexicalBuffers.MaxTerms
                || !segment.TryFind(term.Bytes.Span, out TermStatistics statistics))
            {
                continue;
            }

            ref PostingsEnum cursor = ref buffers.Cursors[terms];
            cursor = PostingsEnum.Open(postings, statistics, buffers.BlockOf(terms));
            cursor.Idf = term.Weight;
            cursor.ListBound = usable ? statistics.LargestWeight : 1;
            buffers.Bounds[terms] = scale;
            terms++;
        }

        return terms;
    }

    /// <summary>
    /// Sorts the terms by what they can add in this window; returns how many the threshold makes non-essential.
    /// </summary>
    private static int Partition(LexicalBuffers buffers, int terms, in Window window, float threshold)
    {
        int[] order = buffers.Order;
        float[] sums = buffers.Cumulated;
        Span<float> bounds = stackalloc float[terms];
        for (int t = 0; t < terms; t++)
        {
            ref PostingsEnum cursor = ref buffers.Cursors[t];
            float scale = buffers.Bounds[t];
            float weight = scale < 0 ? 1 : Math.Min(1, WindowBound(ref cursor, window.Start, window.End) * scale);
            bounds[t] = weight * cursor.Idf * Slack;
            int at = t;
            while (at > 0 && bounds[order[at - 1]] > bounds[t])
            {
                order[at] = order[at - 1];
                at--;
            }

            order[at] = t;
        }

        sums[0] = 0;
        int essential = 0;
        for (int i = 0; i < terms; i++)
        {
            sums[i + 1] = sums[i] + bounds[order[i]];
            essential = sums[i + 1] <= threshold ? i + 1 : essential;
        }

        return essential;
    }

    private static float WindowBound(ref PostingsEnum cursor, int start, int end)
    {
        int block = cursor.BoundBlock;
        while (block < cursor.Blocks && cursor.LastRow(block) < start)
        {
            block++;
        }

        cursor.BoundBlock = block;
        float bound = 0;
        for (; block < cursor.Blocks; block++)
        {
            bound = Math.Max(bound, cursor.BlockBound(block));
            if (cursor.LastRow(block) >= end - 1)
            {
                break;
            }
        }

        return bound;
    }

    private static void Score(LexicalBuffers buffers, int terms, int essential, in Window window, Bm25 model)
    {
        int start = window.Start;
        int end = window.End;
        ushort* lengths = window.Lengths;
        float fixedPart = model.Base;
        float perToken = model.PerToken;
        fixed (float* scores = buffers.Scores)
        fixed (ulong* touched = buffers.Touched)
        {
            for (int i = essential; i < terms; i++)
            {
                ref PostingsEnum cursor = ref buffers.Cursors[buffers.Order[i]];
                if (!cursor.Seek(start))
                {
                    continue;
                }

                float idf = cursor.Idf;
                int* rows = cursor.Rows;
                int* frequencies = rows + PostingCodec.BlockSize;
                while (true)
                {
                    int at = cursor.At;
                    int count = cursor.InBlock;
                    for (; at < count && rows[at] < end; at++)
                    {
                        int row = rows[at];
                        int frequency = frequencies[at];
                        int local = row - start;
                        scores[local] += idf * frequency / (frequency + fixedPart + (perToken * lengths[row]));
                        touched[local >> 6] |= 1UL << (local & 63);
                    }

                    cursor.At = at;
                    if (at < count || cursor.Block + 1 >= cursor.Blocks)
                    {
                        break;
                    }

                    cursor.Decode(cursor.Block + 1);
                }
            }
        }
    }

    private static void Collect(
        LexicalBuffers buffers, int essential, in Window window, Bm25 model, SegmentScan segment)
    {
        int start = window.Start;
        int end = window.End;
        ushort* lengths = window.Lengths;
        ReadOnlySpan<byte> deleted = segment.Deleted;
        bool isFiltered = segment.Allowed is not null;
        ReadOnlySpan<byte> allowed = segment.Allowed.GetValueOrDefault().Span;
        TopKHeap top = buffers.Top;
        float[] scores = buffers.Scores;
        float[] sums = buffers.Cumulated;
        int words = (end - start + 63) >> 6;
        for (int w = 0; w < words; w++)
        {
            ulong bits = buffers.Touched[w];
            buffers.Touched[w] = 0;
            while (bits != 0)
            {
                int local = (w << 6) + BitOperations.TrailingZeroCount(bits);
                bits &= bits - 1;
                float score = scores[local];
                scores[local] = 0;
                int row = start + local;
                if (score + sums[essential] <= top.Threshold || Has(deleted, row) || (isFiltered && !Has(allowed, row)))
                {
                    continue;
                }

                for (int i = essential - 1; i >= 0 && score + sums[i + 1] > top.Threshold; i--)
                {
                    ref PostingsEnum cursor = ref buffers.Cursors[buffers.Order[i]];
                    if (cursor.Seek(row) && cursor.Rows[cursor.At] == row)
                    {
                        score += cursor.Idf * model.Weight(
                            cursor.Rows[PostingCodec.BlockSize + cursor.At], lengths[row]);
                    }
                }

                if (score > top.Threshold)
                {
                    top.Add(ScoreDoc.Key(segment.Number, row), score);
                }
            }
        }
    }

    private static bool Has(ReadOnlySpan<byte> bits, int row) =>
        row >> 3 < bits.Length && (bits[row >> 3] & (1 << (row & 7))) != 0;

    private static byte* PostingsOf(SegmentReader segment) =>
        (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(segment.Postings));

    /// <summary>A segment being searched.</summary>
    private readonly ref struct SegmentScan(
        SegmentReader reader, int number, ReadOnlySpan<byte> deleted, ReadOnlyMemory<byte>? allowed)
    {
        public readonly ReadOnlySpan<byte> Deleted = deleted;

        public SegmentReader Reader => reader;

        public int Number => number;

        public ReadOnlyMemory<byte>? Allowed => allowed;
    }

    /// <summary>The rows that are scored at once, and the lengths of all rows of their segment.</summary>
    private readonly struct Window(int start, int end, ushort* lengths)
    {
        public readonly int Start = start;
        public readonly int End = end;
        public readonly ushort* Lengths = lengths;
    }
}

/// <summary>How to search by words.</summary>
/// <param name="K1">How soon the weight of a repeated word stops growing.</param>
/// <param name="B">How much long passages are held back.</param>
/// <param name="Limit">How many rows are wanted.</param>
/// <param name="Allowed">For each segment the only rows that may be found; null for all.</param>
/// <param name="Prune">Whether to skip rows that cannot be among the best; false only to test that.</param>
internal readonly record struct LexicalRequest(
    float K1, float B, int Limit, ReadOnlyMemory<byte>?[]? Allowed = null, bool Prune = true);

/// <summary>A term of a query: its bytes, and how much one full occurrence weighs (idf × times in the query).</summary>
internal readonly record struct WeightedTerm(ReadOnlyMemory<byte> Bytes, int Count, float Weight);
