namespace Coach.Rag.Segments;

/// <summary>
/// A position in one term's posting list: decodes a block at a time and skips by the last rows of blocks.
/// </summary>
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

    /// <summary>Opens a term's list.</summary>
    /// <param name="postings">The segment's postings section.</param>
    /// <param name="statistics">What the dictionary says of the term.</param>
    /// <param name="block">Room for a decoded block: 128 rows, then 128 frequencies.</param>
    public static PostingsEnum Open(byte* postings, TermStatistics statistics, int* block) => new()
    {
        List = postings + (uint)statistics.Offset,
        Count = statistics.Rows,
        Blocks = PostingCodec.BlockCount(statistics.Rows),
        Rows = block,
        Block = -1,
    };

    /// <summary>The last row of a block.</summary>
    public readonly int LastRow(int block) => Blocks == 1 ? int.MaxValue : ((int*)Entry(block))[0];

    /// <summary>The largest weight within a block.</summary>
    public readonly float BlockBound(int block) => Blocks == 1 ? ListBound : ((float*)Entry(block))[2];

    /// <summary>Decodes a block and goes before its first posting.</summary>
    public void Decode(int block)
    {
        int offset = Blocks == 1 ? 0 : ((int*)Entry(block))[1];
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

    private readonly byte* Entry(int block) => List + (block * PostingCodec.DirectoryEntrySize);
}
