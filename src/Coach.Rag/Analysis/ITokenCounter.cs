namespace Coach.Rag;

/// <summary>
/// Counts a text's tokens as an encoder does, so that passages are as long as it reads. An embedding generator answers
/// with its own when it is asked by <c>GetService</c> for this type; without one, tokens are estimated.
/// </summary>
/// <remarks>Safe for use from several threads. Each passage is counted a few times while documents are read.</remarks>
public interface ITokenCounter
{
    /// <summary>
    /// Its name. An index remembers it: under another name documents are cut into passages again.
    /// </summary>
    string Name { get; }

    /// <summary>The most tokens of a text that the encoder reads, those that frame it not included.</summary>
    int MaxTokens { get; }

    /// <summary>Counts a text's tokens.</summary>
    /// <param name="text">The text, or a part of it.</param>
    /// <returns>At least as many as the encoder makes of it.</returns>
    int CountTokens(ReadOnlySpan<char> text);

    /// <summary>Finds where the longest start of a text ends that has at most so many tokens.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxTokens">How many: 1 and more.</param>
    /// <returns>
    /// Its length: at least one character of a text that has any, all of one that fits; never within a surrogate pair.
    /// </returns>
    int GetIndexByTokenCount(ReadOnlySpan<char> text, int maxTokens);
}
