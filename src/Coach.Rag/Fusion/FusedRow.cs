namespace Coach.Rag;

/// <summary>A row with what each arm gave it; NaN where an arm did not list it.</summary>
internal record struct FusedRow(long Row, float Lexical, float Dense, float Score)
{
    public readonly int Segment => (int)(Row >> 32);

    public readonly int Local => (int)Row;
}
