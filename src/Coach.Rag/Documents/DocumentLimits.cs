namespace Coach.Rag;

/// <summary>What reading one document may cost.</summary>
/// <param name="MaxExpandedBytes">The most bytes that its compressed parts may unpack to, all together.</param>
/// <param name="MaxNesting">How deep its parts may be nested: elements, lists, archives within archives count
/// four.</param>
/// <param name="TimeLimit">The longest that reading it may take.</param>
public sealed record DocumentLimits(long MaxExpandedBytes, int MaxNesting, TimeSpan TimeLimit)
{
    /// <summary>The limits that the options start with.</summary>
    public static DocumentLimits Default { get; } = Of(new CoachRagOptions());

    /// <summary>The most characters of its text.</summary>
    public long MaxCharacters => MaxExpandedBytes / 2;

    internal static DocumentLimits Of(CoachRagOptions options) =>
        new(options.MaxExpandedBytes, options.MaxNesting, options.DocumentTimeLimit);
}
