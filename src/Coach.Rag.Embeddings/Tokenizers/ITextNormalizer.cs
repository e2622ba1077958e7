using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Coach.Rag.Embeddings.Tokenizers;

/// <summary>One step of a tokenizer's normaliser.</summary>
internal interface ITextNormalizer
{
    string Normalize(string text);
}

/// <summary>
/// BERT's: control characters go, white space becomes a space, ideographs stand alone, accents go, capitals go.
/// </summary>
internal sealed class BertNormalizer(bool cleanText, bool isolateIdeographs, bool stripAccents, bool lowerCase)
    : ITextNormalizer
{
    public string Normalize(string text)
    {
        if (cleanText || isolateIdeographs)
        {
            var result = new StringBuilder(text.Length + 16);
            foreach (Rune rune in text.EnumerateRunes())
            {
                if (cleanText && IsDropped(rune))
                {
                    continue;
                }

                if (cleanText && Rune.IsWhiteSpace(rune))
                {
                    result.Append(' ');
                }
                else if (isolateIdeographs && IsIdeograph(rune.Value))
                {
                    result.Append(' ').Append(rune).Append(' ');
                }
                else
                {
                    result.Append(rune);
                }
            }

            text = result.ToString();
        }

        text = stripAccents ? AccentStripper.Strip(text) : text;
        return lowerCase ? text.ToLowerInvariant() : text;
    }

    private static bool IsDropped(Rune rune) => rune.Value switch
    {
        0 or 0xFFFD => true,
        '\t' or '\n' or '\r' => false,
        _ => IsControl(Rune.GetUnicodeCategory(rune)),
    };

    private static bool IsControl(UnicodeCategory category) => category switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse => true,
        UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned => true,
        _ => false,
    };

    // The ranges of BERT's tokenizer.
    private static bool IsIdeograph(int value) => value switch
    {
        (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) => true,
        (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) => true,
        (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F) => true,
        _ => false,
    };
}

/// <summary>Any step that is one expression.</summary>
internal sealed class FunctionNormalizer(Func<string, string> step) : ITextNormalizer
{
    public string Normalize(string text) => step(text);
}

/// <summary>Replaces what a pattern matches; the pattern comes from a file, so it runs in linear time.</summary>
internal sealed class PatternNormalizer(string pattern, string replacement) : ITextNormalizer
{
    private readonly Regex _regex = new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    private readonly string _replacement = replacement.Replace("$", "$$", StringComparison.Ordinal);

    public string Normalize(string text) => _regex.Replace(text, _replacement);
}

/// <summary>Several steps.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<ITextNormalizer> steps) : ITextNormalizer
{
    public string Normalize(string text)
    {
        foreach (ITextNormalizer step in steps)
        {
            text = step.Normalize(text);
        }

        return text;
    }
}
