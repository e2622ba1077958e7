using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Memo.Evaluation;

/// <summary>
/// Sentences that speak to whoever judges the text instead of to its reader. They count for nothing in the mock, and
/// are marked for the writer in both modes. A model is not protected by this list but by how its prompt is built.
/// </summary>
/// <remarks>A pattern's time limit is a net, not a measure: on a machine that is busy a second passes without work.</remarks>
internal static partial class Instructions
{
    private const string Lookalikes = "аеорсхуіѕјԁһкмтвнгοαεικνρτυχáàâãäåéèêëíìîïóòôõöøúùûüçñ";
    private const string Looks = "aeopcxyisjdhkmtbhroaeikvptuxaaaaaaeeeeiiiioooooouuuucn";

    /// <summary>Whether a sentence tries to instruct the judge.</summary>
    public static bool IsOne(string sentence) => IsPlainOne(sentence)
        || (sentence.Contains('\u202e', StringComparison.Ordinal) && IsPlainOne(Reversed(sentence)))
        || HasEncodedOne(sentence);

    private static bool IsPlainOne(string sentence)
    {
        string plain = Plain(sentence);
        string latin = Latin(plain);
        return IsMatch(plain) || (latin != plain && IsMatch(latin)) || OtherScripts().IsMatch(plain);
    }

    private static bool IsMatch(string plain) =>
        Orders().IsMatch(plain) || Scores().IsMatch(plain) || Roles().IsMatch(plain) || Markup().IsMatch(plain);

    // Accents, characters without a width, invisible tags and letters that stand apart hide words from a pattern.
    private static string Plain(string sentence)
    {
        // Half a pair of surrogates has no normal form.
        string whole = string.Concat(sentence.EnumerateRunes().Select(rune => rune.ToString()));
        var plain = new StringBuilder(whole.Length);
        foreach (Rune rune in whole.Normalize(NormalizationForm.FormKD).EnumerateRunes())
        {
            if (Ascii(rune.Value) is { } ascii)
            {
                plain.Append(ascii);
            }
            else if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.Format))
            {
                plain.Append(rune.ToString());
            }
        }

        return SpacedLetters().Replace(
            plain.ToString().Normalize(NormalizationForm.FormC).ToLowerInvariant(),
            match => string.Concat(match.Value.Where(char.IsAsciiLetter)));
    }

    // Invisible tags, wide letters and the alphabets of mathematics: blocks in the order of ASCII.
    private static char? Ascii(int value) => value switch
    {
        >= 0xE0020 and <= 0xE007E => (char)(value - 0xE0000),
        >= 0xFF01 and <= 0xFF5E => (char)(value - 0xFF01 + '!'),
        >= 0x1D400 and <= 0x1D6A3 when (value - 0x1D400) % 52 < 26 => (char)('A' + ((value - 0x1D400) % 52)),
        >= 0x1D400 and <= 0x1D6A3 => (char)('a' + ((value - 0x1D400) % 52) - 26),
        _ => null,
    };

    // Cyrillic and Greek letters that look like Latin ones, and accents where the host decomposes none.
    private static string Latin(string plain) => string.Create(plain.Length, plain, static (latin, source) =>
    {
        for (int i = 0; i < latin.Length; i++)
        {
            int place = Lookalikes.IndexOf(source[i], StringComparison.Ordinal);
            latin[i] = place < 0 ? source[i] : Looks[place];
        }
    });

    private static string Reversed(string sentence)
    {
        char[] letters = sentence.ToCharArray();
        Array.Reverse(letters);
        return new string(letters);
    }

    // A text that is wrapped up is read as what it says.
    private static bool HasEncodedOne(string sentence)
    {
        foreach (ValueMatch match in Encoded().EnumerateMatches(sentence))
        {
            byte[] bytes = new byte[match.Length];
            string packed = sentence.Substring(match.Index, match.Length).TrimEnd('=');
            packed = packed[..(packed.Length - (packed.Length % 4 == 1 ? 1 : 0))];
            packed = packed.PadRight((packed.Length + 3) / 4 * 4, '=');
            if (Convert.TryFromBase64String(packed, bytes, out int count)
                && IsPlainOne(Encoding.UTF8.GetString(bytes, 0, count)))
            {
                return true;
            }
        }

        return false;
    }

    [GeneratedRegex(@"[A-Za-z0-9+/]{24,}={0,2}", RegexOptions.CultureInvariant, 30_000)]
    private static partial Regex Encoded();

    [GeneratedRegex(@"\b(?:[a-z][ ._*-]){4,}[a-z]\b", RegexOptions.CultureInvariant, 30_000)]
    private static partial Regex SpacedLetters();

    [GeneratedRegex(
        @"(игнорир|забуд|не обраща)\w*.{0,60}(инструкц|правил|указани)|(忽略|无视|無視|忘记).{0,30}(指令|指示|说明|規則|规则|要求|提示)"
        + @"|(指示|命令).{0,30}(無視|忘れ)"
        + @"|(给|給|打).{0,12}(满分|滿分|5 ?分|五分)|(満点|5点).{0,20}(付け|与え)|تجاهل.{0,60}(التعليمات|القواعد)"
        + @"|(무시).{0,30}(지시|규칙)|(지시|규칙|명령).{0,30}(무시)",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 30_000)]
    private static partial Regex OtherScripts();

    [GeneratedRegex(
        @"\b(ignore|disregard|forget|override|bypass|skip|ignorier\w*|vergiss|ignor[ae]\w*|oubli\w+|olvid\w+|"
        + @"esque[cç]\w+|dimentica\w*|negeer\w*|zignoruj\w*|yoksay\w*)\b.{0,60}"
        + @"\b(instruct\w*|rules?|rubric|prompts?|criteri\w+|above|previous|prior|guidelines?|anweisung\w*|regeln|"
        + @"instruc\w*|instruk\w*|"
        + @"consignes?|istruzioni|talimat\w*|everything)\b",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 30_000)]
    private static partial Regex Orders();

    // A command (it stands first, or after "and", "must", "please" …) that speaks of scores and of a number or a rank.
    [GeneratedRegex(
        @"(^|[.,;:!>\]] ?|\b(and|then|must|please|always|should|just|you|now|to us) )"
        + @"(give|assign|award|rate|score|grade|return|output|set|mark|respond|answer|reply|print|evaluate|judge)\b"
        + @"(?=.{0,80}\b(5|five|1|one|max\w*|highest|lowest|perfect|full|top|excellent|overall|json)\b)"
        + @"(?=.{0,80}\b(scores?|criteri\w+|points?|stars?|marks?|grades?|ratings?|5 ?/ ?5|everything|overall|json|categor\w+)\b)"
        + @"|\b(scores?|overall|score_?s|rating)\b.{0,4}[""':=]+ ?[0-9\[{]"
        + @"|\ball scores are\b",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 30_000)]
    private static partial Regex Scores();

    [GeneratedRegex(
        @"\b(you are (now|no longer|a|an|the)|act as|pretend|as an ai|language model|system prompt|system message|"
        + @"developer mode|jailbreak|new instructions?|end of (text|memo|document)|begin(ning)? of (new )?instructions?|"
        + @"note to (the )?(evaluator|grader|reviewer|judge|ai|model)|dear (evaluator|grader|ai|model|judge)|"
        + @"(evaluator|grader|judge|assistant|ai)[:,] |reveal|repeat the (prompt|words|text) above|the rubric (is|has|was)|"
        + @"this (text|memo) (must|should|has to|deserves)\b.{0,40}\b(score|receive|get|be (given|rated|scored)))",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 30_000)]
    private static partial Regex Roles();

    [GeneratedRegex(
        @"(<\|?/?(system|text|memo|assistant|user|instructions?|im_start|im_end)|\[/?(inst|system)\]|^#{1,6} ?(system|instruction|"
        + @"assistant|new task)|^(system|assistant|user|human) ?:|<!--|\bbase64\b)",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 30_000)]
    private static partial Regex Markup();
}
