using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Coach.Rag;

/// <summary>
/// BM25 over one segment, window by window: the terms whose block maxima together cannot reach the threshold are looked up only for
/// rows that the other terms found (MaxScore: Turtle and Flood 1995; block maxima: Ding and Suel, SIGIR 2011; windows: Lucene's
/// MaxScoreBulkScorer). Exact: the same rows as scoring everything.
/// </summary>
internal static unsafe class LexicalSearch
{
    // Sums of floats differ in their last bits with the order of the terms; bounds get this much slack.
    private const float Slack = 1.00001f;

    /// <summary>The best rows of a whole index.</summary>
    /// <returns>How many were found.</returns>
    public static int Run(IndexSearcher searcher, WeightedQuery query, CoachRagOptions options, int limit, ReadOnlyMemory<byte>?[]? allowed,
        LexicalBuffers buffers, Span<ScoreDoc> output, bool prune = true)
    {
        buffers.Top.Reset(limit);
        var model = new Bm25(options.Bm25K1, options.Bm25B, searcher.AverageLength);
        for (int s = 0; s < searcher.Segments.Count; s++)
        {
            (SegmentReader reader, FixedBitSet deleted) = searcher.Segments[s];
            Run(reader, s, query.Terms, model, deleted.Bytes.Span, allowed?[s], buffers, prune);
        }

        return buffers.Top.Drain(output);
    }

    /// <summary>The share of a question's weight whose terms a row holds.</summary>
    /// <returns>0 to 1; 0 when the index knows none of the terms.</returns>
    public static float Coverage(IndexSearcher searcher, WeightedQuery query, long row, LexicalBuffers buffers)
    {
        float all = 0;
        foreach (ref readonly WeightedTerm term in query.Terms)
        {
            all += term.Weight;
        }

        return all > 0 ? Held(searcher, query, row, buffers).Weight / all : 0;
    }

    /// <summary>The weight and the number of a question's terms that a row holds.</summary>
    public static (float Weight, int Terms) Held(IndexSearcher searcher, WeightedQuery query, long row, LexicalBuffers buffers)
    {
        var at = new ScoreDoc(row, 0);
        SegmentReader segment = searcher.Segments[at.Segment].Reader;
        byte* postings = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(segment.Postings));
        float weight = 0;
        int terms = 0;
        foreach (ref readonly WeightedTerm term in query.Terms)
        {
            if (term.Weight > 0 && segment.TryFind(term.Bytes.Span, out TermStatistics figures))
            {
                var cursor = new PostingsEnum
                {
                    List = postings + (uint)figures.Offset,
                    Count = figures.Rows,
                    Blocks = PostingCodec.BlockCount(figures.Rows),
                    Rows = buffers.BlockOf(0),
                    Block = -1,
                };
                if (cursor.Seek(at.Local) && cursor.Rows[cursor.At] == at.Local)
                {
                    weight += term.Weight;
                    terms++;
                }
            }
        }

        return (weight, terms);
    }

    private static void Run(SegmentReader segment, int number, ReadOnlySpan<WeightedTerm> query, Bm25 model, ReadOnlySpan<byte> deleted,
        ReadOnlyMemory<byte>? allowed, LexicalBuffers buffers, bool prune)
    {
        int terms = Open(segment, query, model, buffers, prune);
        if (terms == 0)
        {
            return;
        }

        ReadOnlySpan<ushort> lengths = segment.Lengths;
        fixed (ushort* length = lengths)
        {
            for (int start = 0; start < segment.Rows; start += LexicalBuffers.Window)
            {
                int end = Math.Min(start + LexicalBuffers.Window, segment.Rows);
                int essential = Partition(buffers, terms, start, end, prune ? buffers.Top.Threshold : float.NegativeInfinity);
                if (essential < terms)
                {
                    Score(buffers, terms, essential, start, end, length, model);
                    Collect(buffers, essential, number, start, end, length, model, deleted, allowed);
                }
            }
        }
    }

    private static int Open(SegmentReader segment, ReadOnlySpan<WeightedTerm> query, Bm25 model, LexicalBuffers buffers, bool prune)
    {
        // A bound holds for another average length too, once scaled: a longer average makes weights larger by at most the ratio.
        Bm25 built = segment.BuiltWith;
        bool usable = prune && built.K1 == model.K1 && built.B == model.B && built.AverageLength > 0;
        float scale = usable ? Math.Max(1, model.AverageLength / built.AverageLength) : 0;
        byte* postings = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(segment.Postings));
        int terms = 0;
        foreach (ref readonly WeightedTerm term in query)
        {
            if (term.Weight <= 0 || terms == LexicalBuffers.MaxTerms || !segment.TryFind(term.Bytes.Span, out TermStatistics figures))
            {
                continue;
            }

            ref PostingsEnum cursor = ref buffers.Cursors[terms];
            cursor = new PostingsEnum
            {
                List = postings + (uint)figures.Offset,
                Count = figures.Rows,
                Blocks = PostingCodec.BlockCount(figures.Rows),
                Idf = term.Weight,
                ListBound = usable ? figures.LargestWeight : 1,
                Rows = buffers.BlockOf(terms),
                Block = -1,
            };
            buffers.Bounds[terms] = usable ? scale : -1;
            terms++;
        }

        return terms;
    }

    /// <summary>Sorts the terms by what they can add in this window; returns how many the threshold makes non-essential.</summary>
    private static int Partition(LexicalBuffers buffers, int terms, int start, int end, float threshold)
    {
        int[] order = buffers.Order;
        float[] sums = buffers.Cumulated;
        Span<float> bounds = stackalloc float[terms];
        for (int t = 0; t < terms; t++)
        {
            ref PostingsEnum cursor = ref buffers.Cursors[t];
            float scale = buffers.Bounds[t];
            bounds[t] = (scale < 0 ? 1 : Math.Min(1, WindowBound(ref cursor, start, end) * scale)) * cursor.Idf * Slack;
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

    private static void Score(LexicalBuffers buffers, int terms, int essential, int start, int end, ushort* lengths, Bm25 model)
    {
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

    private static void Collect(LexicalBuffers buffers, int essential, int number, int start, int end, ushort* lengths, Bm25 model,
        ReadOnlySpan<byte> deleted, ReadOnlyMemory<byte>? allowed)
    {
        ReadOnlySpan<byte> only = allowed.GetValueOrDefault().Span;
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
                if (score + sums[essential] <= top.Threshold || Has(deleted, row) || (allowed is not null && !Has(only, row)))
                {
                    continue;
                }

                for (int i = essential - 1; i >= 0 && score + sums[i + 1] > top.Threshold; i--)
                {
                    ref PostingsEnum cursor = ref buffers.Cursors[buffers.Order[i]];
                    if (cursor.Seek(row) && cursor.Rows[cursor.At] == row)
                    {
                        score += cursor.Idf * model.Weight(cursor.Rows[PostingCodec.BlockSize + cursor.At], lengths[row]);
                    }
                }

                if (score > top.Threshold)
                {
                    top.Add(ScoreDoc.Key(number, row), score);
                }
            }
        }
    }

    private static bool Has(ReadOnlySpan<byte> bits, int row) => row >> 3 < bits.Length && (bits[row >> 3] & (1 << (row & 7))) != 0;
}

/// <summary>A term of a query: its bytes, and how much one full occurrence weighs (idf × times in the query).</summary>
internal readonly record struct WeightedTerm(ReadOnlyMemory<byte> Bytes, int Count, float Weight);
