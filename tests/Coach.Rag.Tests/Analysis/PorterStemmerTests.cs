using Coach.Rag.Analysis;
using Lucene.Net.Analysis;
using Lucene.Net.Analysis.Core;
using Lucene.Net.Analysis.En;
using Lucene.Net.Analysis.TokenAttributes;
using Lucene.Net.Util;

namespace Coach.Rag.Tests.Analysis;

public sealed class PorterStemmerTests
{
    private static readonly string[] Suffixes =
    [
        "", "s", "sses", "ies", "ss", "eed", "ed", "ing", "ated", "bled", "ized", "tted", "lled", "y", "ational", "tional", "enci", "anci",
        "izer", "bli", "alli", "entli", "eli", "ousli", "ization", "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti",
        "iviti", "biliti", "logi", "icate", "ative", "alize", "iciti", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able",
        "ible", "ant", "ement", "ment", "ent", "ion", "sion", "tion", "ou", "ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "le",
    ];

    /// <summary>Lucene's stemmer is the judge, on the words of this project's documentation and on 40,000 made of syllables and suffixes.</summary>
    [Fact]
    public void Stem_ManyWords_EqualsLucene()
    {
        string[] words = [.. Documentation().Concat(Made(40_000, seed: 7)).Distinct(StringComparer.Ordinal)];
        Assert.True(words.Length > 30_000, $"{words.Length} words");
        string[] expected = [.. Lucene(words)];
        string[] actual = [.. words.Select(Stem)];
        Assert.Equal(words.Length, expected.Length);
        Assert.Empty(words.Zip(expected, actual).Where(word => word.Second != word.Third).Take(20));
    }

    private static string Stem(string word)
    {
        char[] letters = word.ToCharArray();
        return new string(letters, 0, PorterStemmer.Stem(letters));
    }

    private static IEnumerable<string> Lucene(string[] words)
    {
        using TokenStream stream = new PorterStemFilter(new WhitespaceTokenizer(LuceneVersion.LUCENE_48, new StringReader(string.Join('\n', words))));
        ICharTermAttribute term = stream.GetAttribute<ICharTermAttribute>();
        stream.Reset();
        while (stream.IncrementToken())
        {
            yield return term.ToString();
        }
    }

    private static IEnumerable<string> Documentation() => Directory
        .EnumerateFiles(TestData.Repository, "*.md", SearchOption.AllDirectories)
        .SelectMany(file => File.ReadAllText(file).Split([.. " \t\r\n`*_()[]{}<>|.,;:!?'\"/\\#=+-"], StringSplitOptions.RemoveEmptyEntries))
        .Where(word => word.All(char.IsAsciiLetterLower));

    private static IEnumerable<string> Made(int count, int seed)
    {
        const string Consonants = "bcdfghjklmnpqrstvwxyz";
        const string Vowels = "aeiouy";
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            string stem = "";
            for (int syllables = random.Next(0, 4); syllables > 0; syllables--)
            {
                stem += random.Next(5) == 0 ? "" : Consonants[random.Next(Consonants.Length)].ToString();
                stem += Vowels[random.Next(Vowels.Length)];
                stem += random.Next(2) == 0 ? Consonants[random.Next(Consonants.Length)].ToString() : "";
            }

            string word = stem + Suffixes[random.Next(Suffixes.Length)];
            if (word.Length > 0)
            {
                yield return word;
            }
        }
    }
}
