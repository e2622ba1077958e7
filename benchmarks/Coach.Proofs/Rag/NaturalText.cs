using System.Text;
using Coach.Rag;
using Coach.Rag.Lexical;
using Coach.Rag.Tiers;

namespace Coach.Proofs.Rag;

/// <summary>Passages of about 100 words for load programs: sentences of the collections drawn anew, or words drawn by Zipf's law where there are none.</summary>
internal sealed class NaturalText
{
    private const int WordsPerPassage = 100;
    private readonly List<string> _sentences = [];
    private readonly Random _random;

    private NaturalText(int seed) => _random = new Random(seed);

    public string Origin { get; private set; } = "";

    /// <summary>Reads every collection of a folder.</summary>
    public static async Task<NaturalText> OpenAsync(DirectoryInfo? data, int seed, CancellationToken cancellationToken)
    {
        var text = new NaturalText(seed);
        if (data is { Exists: true })
        {
            foreach (DirectoryInfo folder in data.EnumerateDirectories().OrderBy(folder => folder.Name, StringComparer.Ordinal))
            {
                BeirCollection collection = await BeirCollection.LoadAsync(folder.FullName, null, cancellationToken);
                text._sentences.AddRange(collection.Documents.SelectMany(document => document.Text.Split(". ")).Where(sentence => sentence.Length > 20));
                text.Origin += (text.Origin.Length > 0 ? ", " : "") + collection.Name;
            }
        }

        if (text._sentences.Count == 0)
        {
            text.Origin = "zipf";
            text._sentences.AddRange(Enumerable.Range(0, 50_000).Select(_ => text.ZipfSentence()));
        }

        return text;
    }

    public string Passage()
    {
        var passage = new StringBuilder();
        for (int words = 0; words < WordsPerPassage;)
        {
            string sentence = _sentences[_random.Next(_sentences.Count)];
            passage.Append(sentence).Append(". ");
            words += sentence.Count(c => c == ' ') + 1;
        }

        return passage.ToString();
    }

    /// <summary>A question of so many different terms: words that follow each other in a text.</summary>
    public string Question(int terms)
    {
        string[] words = Passage().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var query = new WeightedQuery();
        int used = 0;
        string question = "";
        while (used < words.Length && query.Count < terms)
        {
            question = string.Join(' ', words.Take(++used));
            query.Read(question);
        }

        return question;
    }

    private string ZipfSentence() => string.Join(' ', Enumerable.Range(0, _random.Next(12, 28)).Select(_ => Word((int)Math.Pow(200_000, _random.NextDouble()))));

    private static string Word(int rank)
    {
        var word = new StringBuilder();
        for (int rest = rank; rest > 0; rest /= 20)
        {
            word.Append("bcdfghjklmnprstvwxyz"[rest % 20]).Append("aeiou"[rest % 5]);
        }

        return word.ToString();
    }
}
