namespace Coach.Rag.Segments;

/// <summary>
/// The rows of a segment with their terms and frequencies (forward index): its postings inverted back.
/// </summary>
internal sealed class TermVectors
{
    private TermVectors(int[] starts, int[] terms, int[] frequencies)
    {
        Starts = starts;
        Terms = terms;
        Frequencies = frequencies;
    }

    public int[] Starts { get; }

    public int[] Terms { get; }

    public int[] Frequencies { get; }

    /// <summary>Inverts a segment's postings.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="map">Segment term → number to give it, −1 to leave it out.</param>
    public static unsafe TermVectors Of(SegmentReader segment, int[] map)
    {
        var starts = new int[segment.Rows + 1];
        int* rows = stackalloc int[PostingCodec.BlockSize * 2];
        fixed (byte* postings = segment.Postings)
        {
            for (int t = 0; t < map.Length; t++)
            {
                if (map[t] < 0)
                {
                    continue;
                }

                var cursor = PostingsEnum.Open(postings, segment.Statistics(t), rows);
                for (int block = 0; block < cursor.Blocks; block++)
                {
                    cursor.Decode(block);
                    for (int i = 0; i < cursor.InBlock; i++)
                    {
                        starts[rows[i] + 1]++;
                    }
                }
            }

            for (int r = 0; r < segment.Rows; r++)
            {
                starts[r + 1] += starts[r];
            }

            var terms = new int[starts[segment.Rows]];
            var frequencies = new int[terms.Length];
            int[] next = starts[..segment.Rows];
            for (int t = 0; t < map.Length; t++)
            {
                if (map[t] < 0)
                {
                    continue;
                }

                var cursor = PostingsEnum.Open(postings, segment.Statistics(t), rows);
                for (int block = 0; block < cursor.Blocks; block++)
                {
                    cursor.Decode(block);
                    for (int i = 0; i < cursor.InBlock; i++)
                    {
                        int at = next[rows[i]]++;
                        terms[at] = map[t];
                        frequencies[at] = rows[PostingCodec.BlockSize + i];
                    }
                }
            }

            return new TermVectors(starts, terms, frequencies);
        }
    }
}
