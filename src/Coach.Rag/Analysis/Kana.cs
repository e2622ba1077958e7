namespace Coach.Rag.Analysis;

/// <summary>
/// Compatibility composition of kana (Unicode's NFKC), which the runtime does not offer in invariant globalization
/// mode.
/// </summary>
internal static class Kana
{
    /// <summary>U+FF66 to U+FF9D in their usual width.</summary>
    public const string Wide =
        "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";

    // Letters that can be voiced; the voiced one follows in Unicode, and the half-voiced one after that.
    private const string Voiced = "かきくけこさしすせそたちつてとはひふへほカキクケコサシスセソタチツテトハヒフヘホゝヽ";
    private const string HalfVoiced = "はひふへほハヒフヘホ";

    /// <summary>A letter and the voicing mark behind it, as one; NUL where there is no such letter.</summary>
    public static char Compose(char letter, char mark) => mark switch
    {
        '\u3099' or '\uFF9E' when Voiced.Contains(letter, StringComparison.Ordinal) => (char)(letter + 1),
        '\u3099' or '\uFF9E' when letter == 'う' => 'ゔ',
        '\u3099' or '\uFF9E' when letter == 'ウ' => 'ヴ',
        '\u309A' or '\uFF9F' when HalfVoiced.Contains(letter, StringComparison.Ordinal) => (char)(letter + 2),
        _ => '\0',
    };
}
