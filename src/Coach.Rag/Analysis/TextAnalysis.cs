using System.Collections.Frozen;
using System.Numerics;
using System.Text;

namespace Coach.Rag.Analysis;

/// <summary>How text becomes terms: English, and the languages that the host added.</summary>
internal sealed class TextAnalysis
{
    /// <summary>English alone.</summary>
    public static readonly TextAnalysis English = new([]);

    /// <summary>The most languages beside English.</summary>
    public const int MaxLanguages = 31;

    private const int MaxAlgorithm = 24;
    private const int MaxStem = Tokenizer.MaxTokenLength;

    private readonly LanguageTerms[] _languages;

    // The languages that a common word belongs to, a bit for each; the first one is English.
    private readonly FrozenDictionary<string, uint>.AlternateLookup<ReadOnlySpan<char>> _commonWords;

    private TextAnalysis(LanguageTerms[] languages)
    {
        _languages = languages;
        var common = new Dictionary<string, uint>(StringComparer.Ordinal);
        Mark(common, [.. LanguageGuess.CommonEnglish, .. EnglishStopWords.All], 0);
        for (int i = 0; i < languages.Length; i++)
        {
            Mark(common, languages[i].StopWords, i + 1);
        }

        _commonWords = common.ToFrozenDictionary(StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();
        Identity = AnalyserIdentity.English
            + string.Concat(languages.Select(each => $" {each.Analyzer.Language}={each.Analyzer.Algorithm}"));
    }

    /// <summary>Names this analysis in an index: see <see cref="AnalyserIdentity"/>.</summary>
    public string Identity { get; }

    /// <summary>The languages beside English, by code.</summary>
    public IReadOnlyList<LanguageTerms> Languages => _languages;

    /// <summary>This analysis with another language; one of the same code is replaced.</summary>
    /// <exception cref="InvalidOperationException">There are too many.</exception>
    public TextAnalysis With(ILanguageAnalyzer language)
    {
        LanguageTerms[] languages =
        [
            .. _languages.Where(each => each.Analyzer.Language != language.Language)
                .Append(new LanguageTerms(language))
                .OrderBy(each => each.Analyzer.Language, StringComparer.Ordinal),
        ];
        return languages.Length <= MaxLanguages
            ? new TextAnalysis(languages)
            : throw new InvalidOperationException($"At most {MaxLanguages} languages beside English can be added.");
    }

    /// <summary>
    /// The language of a text: the one that most of its commonest words belong to.
    /// </summary>
    /// <param name="text">The text, or its beginning.</param>
    /// <param name="tied">
    /// The languages that are ahead of the others, a bit for each, when there is more than one; 0 otherwise.
    /// </param>
    /// <returns>The language; null for English, and where nothing tells.</returns>
    public LanguageTerms? LanguageOf(ReadOnlySpan<char> text, out uint tied)
    {
        tied = 0;
        if (_languages.Length == 0)
        {
            return null;
        }

        Span<int> votes = stackalloc int[MaxLanguages + 1];
        votes.Clear();
        Span<char> lower = stackalloc char[MaxStem];
        for (int at = 0; at < text.Length; at++)
        {
            int start = at;
            while (at < text.Length && IsLetter(text[at]))
            {
                at++;
            }

            if (at > start && at - start <= MaxStem)
            {
                Vote(lower[..text[start..at].ToLowerInvariant(lower)], votes);
            }
        }

        int most = MaxOf(votes);
        int best = votes.IndexOf(most);
        if (most > 0 && votes.Count(most) == 1)
        {
            return best > 0 ? _languages[best - 1] : null;
        }

        for (int i = 0; i <= _languages.Length; i++)
        {
            tied |= votes[i] == most ? 1u << i : 0;
        }

        return null;
    }

    /// <summary>
    /// The language that a document is indexed in: <see cref="LanguageOf"/>, and of those that are level the first one,
    /// as long as English is none of them.
    /// </summary>
    public LanguageTerms? LanguageOfDocument(ReadOnlySpan<char> text)
    {
        LanguageTerms? language = LanguageOf(text, out uint tied);
        return tied == 0 || (tied & 1) != 0 ? language : _languages[BitOperations.TrailingZeroCount(tied) - 1];
    }

    /// <summary>Whether a word carries no topic in any of the languages that a text may be in.</summary>
    /// <param name="word">The word, as it is written.</param>
    /// <param name="languages">A bit for each.</param>
    public bool IsCommon(ReadOnlySpan<char> word, uint languages)
    {
        Span<char> lower = stackalloc char[MaxStem];
        return word.Length <= MaxStem
            && _commonWords.TryGetValue(lower[..word.ToLowerInvariant(lower)], out uint known)
            && (known & languages) == languages;
    }

    /// <summary>The language of a code that a document gives ("de", "de-AT", "de_CH").</summary>
    /// <param name="code">The code; null for none.</param>
    /// <param name="language">The language; null for English.</param>
    /// <returns>Whether the code names one that is known.</returns>
    public bool TryFind(string? code, out LanguageTerms? language)
    {
        language = null;
        if (code is not { Length: >= 2 and <= 35 } || (code.Length > 2 && code[2] is not ('-' or '_')))
        {
            return false;
        }

        string known = code[..2].ToLowerInvariant();
        language = _languages.FirstOrDefault(each => each.Analyzer.Language == known);
        return language is not null || known == "en";
    }

    /// <summary>Refuses a language that no index could remember.</summary>
    /// <exception cref="ArgumentException">Its code or its algorithm's name is not as stated.</exception>
    public static void Check(ILanguageAnalyzer language)
    {
        if (language.Language is not [>= 'a' and <= 'z', >= 'a' and <= 'z'] || language.Language == "en")
        {
            throw new ArgumentException(
                $"'{language.Language}' is not a two-letter code of a language beside English, such as \"de\".",
                nameof(language));
        }

        if (language.Algorithm is not { Length: > 0 and <= MaxAlgorithm }
            || !language.Algorithm.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '/'))
        {
            throw new ArgumentException(
                $"The algorithm of '{language.Language}' needs a name of up to {MaxAlgorithm} letters, digits, hyphens "
                + "and slashes, such as \"snowball/1\".",
                nameof(language));
        }
    }

    private static int MaxOf(ReadOnlySpan<int> votes)
    {
        int most = 0;
        foreach (int each in votes)
        {
            most = Math.Max(most, each);
        }

        return most;
    }

    private static bool IsLetter(char c) => char.IsLetter(c) || c is '\u0300' or '\u0301' or '\u0302' or '\u0308';

    private static void Mark(Dictionary<string, uint> common, IEnumerable<string> words, int language)
    {
        foreach (string word in words)
        {
            common[word] = common.GetValueOrDefault(word) | (1u << language);
        }
    }

    private void Vote(ReadOnlySpan<char> word, Span<int> votes)
    {
        if (!_commonWords.TryGetValue(word, out uint languages))
        {
            return;
        }

        for (; languages != 0; languages &= languages - 1)
        {
            votes[BitOperations.TrailingZeroCount(languages)]++;
        }
    }
}

/// <summary>The terms of one language.</summary>
internal sealed class LanguageTerms(ILanguageAnalyzer analyzer)
{
    private readonly FrozenSet<string> _stopWords = analyzer.StopWords
        .SelectMany(word => new[] { word, word.Normalize(NormalizationForm.FormD) })
        .ToFrozenSet(StringComparer.Ordinal);

    public ILanguageAnalyzer Analyzer => analyzer;

    /// <summary>Its words that carry no topic, each with its accents joined and apart.</summary>
    public IEnumerable<string> StopWords => _stopWords;

    /// <summary>The term of a word.</summary>
    /// <param name="written">The word as a text has it.</param>
    /// <param name="isStopWord">Whether it is one that is not indexed.</param>
    /// <returns>The term; null for a stop word, and for what is no word of a language.</returns>
    public string? Of(ReadOnlySpan<char> written, out bool isStopWord)
    {
        isStopWord = false;
        if (written.IsEmpty || written.Length > Tokenizer.MaxTokenLength)
        {
            return null;
        }

        string word = written.ToString().Normalize(NormalizationForm.FormC).ToLowerInvariant();
        isStopWord = _stopWords.Contains(word);
        return isStopWord || !word.All(char.IsLetter) ? null : Fold(StemOf(word));
    }

    private string StemOf(string word)
    {
        try
        {
            return analyzer.Stem(word) is { Length: > 0 } stem ? stem : word;
        }
#pragma warning disable CA1031 // a stemmer of the host's that fails costs the word's other forms, not the document
        catch (Exception)
#pragma warning restore CA1031
        {
            return word;
        }
    }

    private static string Fold(string stem)
    {
        Span<char> folded = stackalloc char[(Tokenizer.MaxTokenLength * 3) + 8];
        int length = 0;
        foreach (char c in stem)
        {
            if (length >= Tokenizer.MaxTokenLength)
            {
                break;
            }

            length += CharacterMap.Class[c] == CharacterMap.Word ? Tokenizer.FoldTo(c, folded[length..]) : 0;
        }

        return folded[..length].ToString();
    }
}
