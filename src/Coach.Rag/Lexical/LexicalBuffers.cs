using System.Runtime.CompilerServices;
using Coach.Rag.Segments;

namespace Coach.Rag.Lexical;

/// <summary>The memory of one BM25 search, reused by the next one.</summary>
internal sealed unsafe class LexicalBuffers
{
    /// <summary>Terms of a question beyond this many are left out.</summary>
    public const int MaxTerms = 256;

    /// <summary>Rows that are scored at once: their scores fit the processor's first cache.</summary>
    public const int Window = 4096;

    public readonly PostingsEnum[] Cursors = new PostingsEnum[MaxTerms];
    public readonly int[] Order = new int[MaxTerms];
    public readonly float[] Bounds = new float[MaxTerms];
    public readonly float[] Cumulated = new float[MaxTerms + 1];
    public readonly float[] Scores = new float[Window];
    public readonly ulong[] Touched = new ulong[Window / 64];
    public readonly TopKHeap Top = new();

    // Decoded blocks: rows, then frequencies, for each term.
    private readonly int[] _blocks =
        GC.AllocateUninitializedArray<int>(MaxTerms * 2 * PostingCodec.BlockSize, pinned: true);

    /// <summary>Where a term's decoded block goes.</summary>
    public int* BlockOf(int term) => (int*)Unsafe.AsPointer(ref _blocks[term * 2 * PostingCodec.BlockSize]);
}
