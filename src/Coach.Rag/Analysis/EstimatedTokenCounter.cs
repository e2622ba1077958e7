namespace Coach.Rag.Analysis;

/// <summary>The estimate of <see cref="TokenCounter"/>, where no encoder says how it counts.</summary>
internal sealed class EstimatedTokenCounter : ITokenCounter
{
    public static EstimatedTokenCounter Instance { get; } = new();

    public string Name => "estimate";

    public int MaxTokens => int.MaxValue;

    public int CountTokens(ReadOnlySpan<char> text) => TokenCounter.Count(text);

    public int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokens) => TokenCounter.Prefix(text, maxTokens);
}
