namespace Coach.Rag.Analysis;

/// <summary>
/// Estimates how many tokens a language model makes of a text: one for each six letters or digits of a word or part of
/// it, one for each character of a script without spaces, one for each other visible character.
/// </summary>
internal static class TokenCounter
{
    private const int LettersPerToken = 6;

    public static int Count(ReadOnlySpan<char> text)
    {
        int tokens = 0;
        int i = 0;
        while (i < text.Length)
        {
            tokens++;
            i = Next(text, i);
            tokens -= i < 0 ? 1 : 0;
            if (i < 0)
            {
                break;
            }
        }

        return tokens;
    }

    /// <summary>
    /// Where the prefix of at most so many tokens ends; at least one character, never within a surrogate pair.
    /// </summary>
    public static int Prefix(ReadOnlySpan<char> text, int tokens)
    {
        int i = 0;
        int end = 0;
        for (int n = 0; n < tokens && i < text.Length; n++)
        {
            i = Next(text, i);
            if (i < 0)
            {
                return text.Length;
            }

            end = i;
        }

        return end;
    }

    // The end of the token at or after i; −1 when only white space is left.
    private static int Next(ReadOnlySpan<char> text, int i)
    {
        while (i < text.Length && char.IsWhiteSpace(text[i]))
        {
            i++;
        }

        if (i == text.Length)
        {
            return -1;
        }

        byte kind = CharacterMap.Class[text[i]];
        if (kind is CharacterMap.Word or CharacterMap.Ignorable && !char.IsSurrogate(text[i]))
        {
            int end = Math.Min(text.Length, i + LettersPerToken);
            while (i < end && CharacterMap.Class[text[i]] is CharacterMap.Word or CharacterMap.Ignorable
                && !char.IsSurrogate(text[i]))
            {
                i++;
            }

            return i;
        }

        return i + (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1);
    }
}
