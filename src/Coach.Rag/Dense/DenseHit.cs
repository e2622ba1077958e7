namespace Coach.Rag;

/// <summary>One found row.</summary>
/// <param name="Source">The place of its source among those searched.</param>
/// <param name="Row">Its row there.</param>
/// <param name="Score">The cosine: −1 to 1.</param>
internal readonly record struct DenseHit(int Source, int Row, float Score) : IComparable<DenseHit>
{
    /// <summary>Best first; equal scores in the order of source and row.</summary>
    public int CompareTo(DenseHit other)
    {
        int order = other.Score.CompareTo(Score);
        order = order != 0 ? order : Source.CompareTo(other.Source);
        return order != 0 ? order : Row.CompareTo(other.Row);
    }
}

/// <summary>What to search: a segment's vectors, and which of its rows may be found.</summary>
/// <param name="Segment">The vectors.</param>
/// <param name="Deleted">Rows to leave out.</param>
/// <param name="Allowed">The only rows to look at (row r is bit r % 8 of byte r / 8); null for all.</param>
internal readonly record struct DenseSource(DenseSegment Segment, RowBitmap Deleted = default, ReadOnlyMemory<byte>? Allowed = null);
