using System.Collections.Concurrent;
using Lucene.Net.Tartarus.Snowball;

namespace Coach.Rag.Languages.Snowball;

/// <summary>
/// One language by its Snowball stemmer. A stemmer serves one word at a time, so each thread takes its own.
/// </summary>
internal sealed class SnowballAnalyzer(
    string language, Func<SnowballProgram> create, IEnumerable<string> stopWords) : ILanguageAnalyzer
{
    private readonly ConcurrentBag<SnowballProgram> _free = [];

    public string Language => language;

    public string Algorithm => "snowball/1";

    public IReadOnlyCollection<string> StopWords { get; } =
    [
        .. stopWords.Concat(InterrogativeWords.Of(language)).Distinct(),
    ];

    public bool WritesCompounds { get; init; }

    public string Stem(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        if (!_free.TryTake(out SnowballProgram? stemmer))
        {
            stemmer = create();
        }

        stemmer.SetCurrent(word);
        stemmer.Stem();
        string stem = stemmer.Current;
        _free.Add(stemmer);
        return stem;
    }
}
