namespace Coach.Rag.Vectors;

/// <summary>
/// The best rows so far, by approximate score: a heap with the worst on top, over memory of the caller.
/// </summary>
/// <param name="heap">The memory; its length is how many rows stay.</param>
/// <param name="count">How many it holds already, as an earlier one left them.</param>
internal ref struct TopKCandidates(Span<VectorHit> heap, int count = 0)
{
    private readonly Span<VectorHit> _heap = heap;

    public int Count { get; private set; } = count;

    public readonly int Capacity => _heap.Length;

    public readonly bool IsFull => Count == _heap.Length;

    /// <summary>What a row must exceed to get in.</summary>
    public float Threshold { get; private set; } =
        count > 0 && count == heap.Length ? heap[0].Score : float.NegativeInfinity;

    public readonly ReadOnlySpan<VectorHit> Items => _heap[..Count];

    public void OfferAll(ReadOnlySpan<VectorHit> hits)
    {
        foreach (VectorHit hit in hits)
        {
            Offer(hit);
        }
    }

    public void Offer(VectorHit hit)
    {
        if (!IsFull)
        {
            int at = Count++;
            while (at > 0 && _heap[(at - 1) / 2].Score > hit.Score)
            {
                _heap[at] = _heap[(at - 1) / 2];
                at = (at - 1) / 2;
            }

            _heap[at] = hit;
        }
        else if (hit.Score > Threshold)
        {
            int at = 0;
            for (int child = 1; child < Count; child = (2 * at) + 1)
            {
                if (child + 1 < Count && _heap[child + 1].Score < _heap[child].Score)
                {
                    child++;
                }

                if (_heap[child].Score >= hit.Score)
                {
                    break;
                }

                _heap[at] = _heap[child];
                at = child;
            }

            _heap[at] = hit;
        }

        Threshold = IsFull ? _heap[0].Score : float.NegativeInfinity;
    }
}
