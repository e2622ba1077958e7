using System.Globalization;

namespace Coach.Rag.Analysis;

/// <summary>What the tokeniser needs to know of every UTF-16 unit, in two tables built once.</summary>
internal static class CharacterMap
{
    public const byte Separator = 0;
    public const byte Word = 1;

    /// <summary>Written without spaces between words: indexed as overlapping pairs.</summary>
    public const byte Unspaced = 2;

    /// <summary>Part of a word that two spellings of it may differ in: joiners, accents, vowel points.</summary>
    public const byte Ignorable = 3;

    public static readonly byte[] Class = new byte[char.MaxValue + 1];

    /// <summary>Lower case without Latin accents, and narrow where a full-width form exists.</summary>
    public static readonly char[] Fold = new char[char.MaxValue + 1];

    private const string Accented =
        "àáâãäåāăąǎaçćĉċčcďđðdèéêëēĕėęěeĝğġģgĥħhìíîïĩīĭįıǐiĵjķĸkĺļľŀłlñńņňŉnòóôõöøōŏőơǒoŕŗřrśŝşšșsţťŧțtùúûüũūŭůűųưǔuŵwýÿŷyźżžzёе";

    static CharacterMap()
    {
        for (int i = 0; i <= char.MaxValue; i++)
        {
            char c = (char)i;
            Class[i] = Classify(c);
            Fold[i] = char.ToLowerInvariant(c);
        }

        // Each run of accented letters ends in the plain one.
        int start = 0;
        for (int i = 0; i < Accented.Length; i++)
        {
            bool isPlain = Accented[i] < 128 || Accented[i] == 'е';
            if (!isPlain)
            {
                continue;
            }

            for (int j = start; j < i; j++)
            {
                Fold[Accented[j]] = Accented[i];
                Fold[char.ToUpperInvariant(Accented[j])] = Accented[i];
            }

            start = i + 1;
        }

        Fold['İ'] = 'i';
        Fold['µ'] = 'μ';
        Fold['ς'] = 'σ';
        for (int c = 0; c < Kana.Wide.Length; c++)
        {
            Fold[0xFF66 + c] = Kana.Wide[c];
        }

        for (int c = 0xFF01; c <= 0xFF5E; c++)
        {
            Fold[c] = char.ToLowerInvariant((char)(c - 0xFEE0));
            Class[c] = char.IsAsciiLetterOrDigit((char)(c - 0xFEE0)) ? Word : Separator;
        }
    }

    private static byte Classify(char c)
    {
        if (IsUnspaced(c))
        {
            return CharUnicodeInfo.GetUnicodeCategory(c) switch
            {
                UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.LetterNumber =>
                    Unspaced,
                UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => Unspaced,
                UnicodeCategory.DecimalDigitNumber => Word,
                _ => Separator,
            };
        }

        if (IsIgnorable(c))
        {
            return Ignorable;
        }

        return CharUnicodeInfo.GetUnicodeCategory(c) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter =>
                Word,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.Surrogate => Word,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber => Word,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => Word,
            _ => Separator,
        };
    }

    // Combining marks of Latin, Hebrew and Arabic, the tatweel, soft hyphens and characters without width.
    private static bool IsIgnorable(char c) => c switch
    {
        (>= '\u0300' and <= '\u036F') or (>= '\u0591' and <= '\u05C7') or (>= '\u064B' and <= '\u065F') => true,
        '\u0670' or '\u0640' or '\u00AD' or '\u2060' or '\uFEFF' => true,
        >= '\u200B' and <= '\u200D' => true,
        _ => false,
    };

    private static bool IsUnspaced(char c) => c switch
    {
        (>= '\u2E80' and <= '\u2FDF') or (>= '\u3005' and <= '\u3007') => true,       // Han
        (>= '\u3400' and <= '\u4DBF') or (>= '\u4E00' and <= '\u9FFF') or (>= '\uF900' and <= '\uFAFF') => true,
        (>= '\u3040' and <= '\u31FF') or (>= '\uFF66' and <= '\uFF9F') => true,       // kana, Bopomofo
        >= '\uAC00' and <= '\uD7AF' => true,                                         // Hangul
        >= '\u0E00' and <= '\u0EFF' => true,                                         // Thai, Lao
        (>= '\u1000' and <= '\u109F') or (>= '\u1780' and <= '\u17FF') => true,       // Myanmar, Khmer
        _ => false,
    };
}
