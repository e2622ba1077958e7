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
            return CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.LetterNumber
                ? Unspaced : CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.DecimalDigitNumber ? Word : Separator;
        }

        if (c is (>= '\u0300' and <= '\u036F') or (>= '\u0591' and <= '\u05C7') or (>= '\u064B' and <= '\u065F') or '\u0670' or '\u0640'
            or '\u00AD' or (>= '\u200B' and <= '\u200D') or '\u2060' or '\uFEFF')
        {
            return Ignorable;
        }

        return CharUnicodeInfo.GetUnicodeCategory(c) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.LetterNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.Surrogate => Word,
            _ => Separator,
        };
    }

    // Han, kana, Bopomofo, Hangul, Thai, Lao, Myanmar, Khmer.
    private static bool IsUnspaced(char c) =>
        c is (>= '\u2E80' and <= '\u2FDF') or (>= '\u3005' and <= '\u3007') or (>= '\u3040' and <= '\u31FF') or (>= '\u3400' and <= '\u4DBF')
            or (>= '\u4E00' and <= '\u9FFF') or (>= '\uAC00' and <= '\uD7AF') or (>= '\uF900' and <= '\uFAFF') or (>= '\uFF66' and <= '\uFF9F')
            or (>= '\u0E00' and <= '\u0EFF') or (>= '\u1000' and <= '\u109F') or (>= '\u1780' and <= '\u17FF');
}
