namespace Coach.Rag;

/// <summary>The memory of one search, reused by the next one.</summary>
internal sealed unsafe class LexicalBuffers
{
    public const int MaxTerms = 256;
    public const int Window = 4096;

    public readonly PostingsEnum[] Cursors = new PostingsEnum[MaxTerms];
    public readonly int[] Order = new int[MaxTerms];
    public readonly float[] Bounds = new float[MaxTerms];
    public readonly float[] Cumulated = new float[MaxTerms + 1];
    public readonly float[] Scores = new float[Window];
    public readonly ulong[] Touched = new ulong[Window / 64];
    public readonly TopKHeap Top = new();

    // Decoded blocks: rows, then frequencies, for each term.
    private readonly int[] _blocks = GC.AllocateUninitializedArray<int>(MaxTerms * 2 * PostingCodec.BlockSize, pinned: true);

    public int* BlockOf(int term) =>
        (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _blocks[term * 2 * PostingCodec.BlockSize]);
}

/// <summary>A position in one term's posting list.</summary>
internal unsafe struct PostingsEnum
{
    public byte* List;
    public int Count;
    public int Blocks;
    public float Idf;
    public float ListBound;
    public int* Rows;
    public int Block;          // the decoded block, −1 before the first
    public int InBlock;        // postings in it
    public int At;             // the next posting in it
    public int BoundBlock;     // where the block maxima were read last

    public readonly int LastRow(int block) => Blocks == 1 ? int.MaxValue : ((int*)(List + (block * PostingCodec.DirectoryEntrySize)))[0];

    public readonly float BlockBound(int block) =>
        Blocks == 1 ? ListBound : ((float*)(List + (block * PostingCodec.DirectoryEntrySize)))[2];

    public void Decode(int block)
    {
        int offset = Blocks == 1 ? 0 : ((int*)(List + (block * PostingCodec.DirectoryEntrySize)))[1];
        int previous = block == 0 ? -1 : LastRow(block - 1);
        InBlock = Math.Min(PostingCodec.BlockSize, Count - (block * PostingCodec.BlockSize));
        PostingCodec.Read(List + offset, InBlock, previous, Rows, Rows + PostingCodec.BlockSize);
        Block = block;
        At = 0;
    }

    /// <summary>Moves to the first posting at or after a row; false at the end of the list.</summary>
    public bool Seek(int row)
    {
        int block = Block;
        if (block < 0 || row > LastRow(block))
        {
            block = Math.Max(block, 0);
            while (block < Blocks && LastRow(block) < row)
            {
                block++;
            }

            if (block == Blocks)
            {
                Block = Blocks - 1;
                At = InBlock;
                return false;
            }

            Decode(block);
        }

        int* rows = Rows;
        int at = At;
        while (at < InBlock && rows[at] < row)
        {
            at++;
        }

        At = at;
        return at < InBlock;
    }
}
