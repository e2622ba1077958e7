using System.Text;
using System.Text.RegularExpressions;

namespace Memo.Evaluation;

/// <summary>
/// Sentences that speak to whoever judges the text instead of to its reader. They count for nothing in the mock, and
/// are marked for the writer in both modes. A model is not protected by this list but by how its prompt is built.
/// </summary>
internal static partial class Instructions
{
    /// <summary>Whether a sentence tries to instruct the judge.</summary>
    public static bool IsOne(string sentence)
    {
        string plain = Plain(sentence);
        return Orders().IsMatch(plain) || Scores().IsMatch(plain) || Roles().IsMatch(plain) || Markup().IsMatch(plain);
    }

    // Accents, zero-width characters and letters that stand apart hide words from a pattern.
    private static string Plain(string sentence)
    {
        var plain = new StringBuilder(sentence.Length);
        foreach (char letter in sentence.Normalize(NormalizationForm.FormKD).ToLowerInvariant())
        {
            System.Globalization.UnicodeCategory category = char.GetUnicodeCategory(letter);
            if (category is not (System.Globalization.UnicodeCategory.NonSpacingMark
                or System.Globalization.UnicodeCategory.Format))
            {
                plain.Append(letter);
            }
        }

        return SpacedLetters().Replace(plain.ToString(), match => match.Value.Replace(" ", "", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\b(?:[a-z] ){4,}[a-z]\b", RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex SpacedLetters();

    [GeneratedRegex(
        @"\b(ignore|disregard|forget|override|bypass|skip|ignorier\w*|vergiss|ignor[ae]\w*|oubli\w+|olvid\w+)\b.{0,60}"
        + @"\b(instruct\w*|rules?|rubric|prompts?|criteri\w+|above|previous|prior|guidelines?|anweisung\w*|regeln|"
        + @"instruccion\w*|consignes?|istruzioni|everything)\b",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 1_000)]
    private static partial Regex Orders();

    // A command (it stands first, or after "and", "must", "please" …) that speaks of scores and of a number or a rank.
    [GeneratedRegex(
        @"(^|[.,;:!>\]] ?|\b(and|then|must|please|always|should|just|you|now|to us) )"
        + @"(give|assign|award|rate|score|grade|return|output|set|mark|respond|answer|reply|print|evaluate|judge)\b"
        + @"(?=.{0,80}\b(5|five|1|one|max\w*|highest|lowest|perfect|full|top|excellent|overall|json)\b)"
        + @"(?=.{0,80}\b(scores?|criteri\w+|points?|stars?|marks?|grades?|ratings?|5 ?/ ?5|everything|overall|json|categor\w+)\b)"
        + @"|\b(scores?|overall|score_?s|rating)\b.{0,4}[""':=]+ ?[0-9\[{]"
        + @"|\ball scores are\b",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 1_000)]
    private static partial Regex Scores();

    [GeneratedRegex(
        @"\b(you are (now|no longer|a|an|the)|act as|pretend|as an ai|language model|system prompt|system message|"
        + @"developer mode|jailbreak|new instructions?|end of (text|memo|document)|begin(ning)? of (new )?instructions?|"
        + @"note to (the )?(evaluator|grader|reviewer|judge|ai|model)|dear (evaluator|grader|ai|model|judge)|"
        + @"(evaluator|grader|judge|assistant|ai)[:,] |reveal|repeat the (prompt|words|text) above|the rubric (is|has|was)|"
        + @"this (text|memo) (must|should|has to|deserves)\b.{0,40}\b(score|receive|get|be (given|rated|scored)))",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 1_000)]
    private static partial Regex Roles();

    [GeneratedRegex(
        @"(<\|?/?(system|text|memo|assistant|user|instructions?|im_start|im_end)|\[/?(inst|system)\]|^#{1,6} ?(system|instruction|"
        + @"assistant|new task)|^(system|assistant|user|human) ?:|<!--|\bbase64\b)",
        RegexOptions.CultureInvariant | RegexOptions.Singleline, 1_000)]
    private static partial Regex Markup();
}
