namespace Coach.Rag.Lexical;

/// <summary>
/// The best rows seen so far: a bounded heap with the worst on top. Equal scores: the lower row wins.
/// </summary>
internal sealed class TopKHeap
{
    private float[] _scores = [];
    private long[] _rows = [];
    private int _limit;

    public int Count { get; private set; }

    /// <summary>What a row must beat to get in; −∞ until the list is full.</summary>
    public float Threshold { get; private set; } = float.NegativeInfinity;

    public void Reset(int limit)
    {
        _limit = limit;
        Count = 0;
        Threshold = float.NegativeInfinity;
        if (_scores.Length < limit)
        {
            _scores = new float[limit];
            _rows = new long[limit];
        }
    }

    public void Add(long row, float score)
    {
        if (Count < _limit)
        {
            int i = Count++;
            while (i > 0 && Worse(score, row, (i - 1) >> 1))
            {
                Move((i - 1) >> 1, i);
                i = (i - 1) >> 1;
            }

            Set(i, row, score);
        }
        else if (!Worse(score, row, 0))
        {
            SiftDown(row, score, Count);
        }

        if (Count == _limit)
        {
            Threshold = _scores[0];
        }
    }

    /// <summary>Writes the rows out, best first, and empties the list.</summary>
    public int Drain(Span<ScoreDoc> output)
    {
        int count = Count;
        for (int i = count - 1; i >= 0; i--)
        {
            output[i] = new ScoreDoc(_rows[0], _scores[0]);
            SiftDown(_rows[i], _scores[i], i);
        }

        Count = 0;
        return count;
    }

    private void SiftDown(long row, float score, int count)
    {
        int i = 0;
        while (true)
        {
            int child = (2 * i) + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && Worse(_scores[child + 1], _rows[child + 1], child))
            {
                child++;
            }

            if (Worse(score, row, child))
            {
                break;
            }

            Move(child, i);
            i = child;
        }

        if (count > 0)
        {
            Set(i, row, score);
        }
    }

    private bool Worse(float score, long row, int than) =>
        score < _scores[than] || (score == _scores[than] && row > _rows[than]);

    private void Move(int from, int to)
    {
        _scores[to] = _scores[from];
        _rows[to] = _rows[from];
    }

    private void Set(int at, long row, float score)
    {
        _scores[at] = score;
        _rows[at] = row;
    }
}

/// <summary>A row of the whole index (segment number in the upper half) and its score.</summary>
internal readonly record struct ScoreDoc(long Row, float Score)
{
    public int Segment => (int)(Row >> 32);

    public int Local => (int)Row;

    public static long Key(int segment, int row) => ((long)segment << 32) | (uint)row;
}
