using System.Globalization;
using System.Text;
using Coach.Rag;

namespace Coach.Proofs.Rag;

/// <summary>
/// Collections made from others, so that what is tuned on two can be checked on more: each asks in another way. No judgments are invented:
/// what is relevant follows from how the question was made, or was judged by people.
/// </summary>
internal static class DerivedCollections
{
    private const int MaxQuestions = 400;
    private static readonly char[] Ends = ['.', '!', '?'];

    internal sealed record Derived(string Name, IReadOnlyList<KnowledgeDocument> Documents, IReadOnlyList<EvaluationQuery> Queries);

    /// <summary>Everything that one collection gives.</summary>
    public static IEnumerable<Derived> Of(BeirCollection source)
    {
        yield return new Derived(source.Name, source.Documents, source.Queries);
        yield return Titles(source);
        yield return Halves(source);
        yield return Sentences(source, keep: true);
        yield return Sentences(source, keep: false);
        yield return FirstSentences(source);
        yield return RareWords(source);
        yield return Shortened(source, 2);
        yield return Shortened(source, 3);
        yield return Subset(source, 200);
        yield return Subset(source, 1000);
    }

    /// <summary>All documents together, the questions of each asked among them.</summary>
    public static Derived Union(IReadOnlyList<BeirCollection> sources) => new("union",
        [.. sources.SelectMany(source => source.Documents.Select(document => document with { Id = $"{source.Name}/{document.Id}" }))],
        [.. sources.SelectMany(source => source.Queries.Take(MaxQuestions).Select(query => new EvaluationQuery($"{source.Name}/{query.Id}", query.Text,
            query.Relevant.ToDictionary(pair => $"{source.Name}/{pair.Key}", pair => pair.Value))))]);

    /// <summary>Markdown files: a section is a document, its heading the question.</summary>
    public static Derived Sections(string folder)
    {
        var documents = new List<KnowledgeDocument>();
        var queries = new List<EvaluationQuery>();
        foreach (string file in Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string heading = "";
            var body = new StringBuilder();
            foreach (string line in File.ReadLines(file).Append("# "))
            {
                if (!line.StartsWith('#'))
                {
                    body.AppendLine(line);
                    continue;
                }

                if (body.Length > 200)
                {
                    string id = documents.Count.ToString(CultureInfo.InvariantCulture);
                    documents.Add(Document(id, body.ToString()));
                    if (heading.Count(c => c == ' ') >= 2)
                    {
                        queries.Add(Known(id, heading));
                    }
                }

                heading = line.TrimStart('#').Trim();
                body.Clear();
            }
        }

        return new Derived("sections", documents, queries);
    }

    /// <summary>Texts without any topic: words drawn one by one. Semantics learnt from them are noise, and must do no harm.</summary>
    public static Derived Noise(int documents, int seed)
    {
        var random = new Random(seed);
        string[] texts = [.. Enumerable.Range(0, documents).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(20, 120)).Select(_ => Word(random))))];
        return new Derived("noise", [.. texts.Select((text, i) => Document($"d{i}", text))], [.. Enumerable.Range(0, MaxQuestions).Select(_ =>
        {
            int at = random.Next(documents);
            string[] words = texts[at].Split(' ');
            return Known($"d{at}", string.Join(' ', Enumerable.Range(0, 6).Select(i => i < 4 ? words[random.Next(words.Length)] : Word(random))));
        })]);
    }

    private static string Word(Random random) => $"w{(int)(20_000 * Math.Pow(random.NextDouble(), 4)):x}";

    private static Derived Titles(BeirCollection source)
    {
        List<(KnowledgeDocument Document, string Title)> bodies = [.. source.Documents.Select(document =>
            (Document(document.Id, Body(document)), document.Title)).Where(pair => pair.Item1.Text.Length > 0)];
        return new Derived(source.Name + "-titles", [.. bodies.Select(pair => pair.Document)],
            [.. Sample(bodies.Where(pair => pair.Title.Count(c => c == ' ') >= 3)).Select(pair => Known(pair.Document.Id, pair.Title))]);
    }

    // A long question: the first half of a text asks for the second.
    private static Derived Halves(BeirCollection source)
    {
        var documents = new List<KnowledgeDocument>();
        var queries = new List<EvaluationQuery>();
        foreach (KnowledgeDocument document in source.Documents)
        {
            List<string> sentences = Split(Body(document));
            if (sentences.Count < 4)
            {
                continue;
            }

            documents.Add(Document(document.Id, string.Join(' ', sentences.Skip(sentences.Count / 2))));
            queries.Add(Known(document.Id, string.Join(' ', sentences.Take(sentences.Count / 2))));
        }

        return new Derived(source.Name + "-halves", documents, [.. Sample(queries)]);
    }

    private static Derived Sentences(BeirCollection source, bool keep)
    {
        var random = new Random(7);
        var documents = new List<KnowledgeDocument>();
        var queries = new List<EvaluationQuery>();
        foreach (KnowledgeDocument document in source.Documents)
        {
            List<string> sentences = Split(Body(document));
            if (sentences.Count < 3)
            {
                continue;
            }

            int at = random.Next(sentences.Count);
            queries.Add(Known(document.Id, sentences[at]));
            documents.Add(Document(document.Id, string.Join(' ', sentences.Where((_, i) => keep || i != at))));
        }

        return new Derived(source.Name + (keep ? "-quotes" : "-sentences"), documents, [.. Sample(queries)]);
    }

    // Short documents: the last sentence of a text, asked for by its title.
    private static Derived FirstSentences(BeirCollection source)
    {
        var documents = new List<KnowledgeDocument>();
        var queries = new List<EvaluationQuery>();
        foreach (KnowledgeDocument document in source.Documents)
        {
            List<string> sentences = Split(Body(document));
            if (sentences.Count >= 2 && document.Title.Count(c => c == ' ') >= 3)
            {
                documents.Add(Document(document.Id, sentences[^1]));
                queries.Add(Known(document.Id, document.Title));
            }
        }

        return new Derived(source.Name + "-short-documents", documents, [.. Sample(queries)]);
    }

    // Two or three words, as people type them: rare ones of one document.
    private static Derived RareWords(BeirCollection source)
    {
        Dictionary<string, int> counts = [];
        foreach (string word in source.Documents.SelectMany(document => Words(Body(document)).Distinct()))
        {
            counts[word] = counts.GetValueOrDefault(word) + 1;
        }

        var random = new Random(11);
        return new Derived(source.Name + "-rare-words", [.. source.Documents.Select(document => Document(document.Id, Body(document)))],
            [.. Sample(source.Documents.Where(document => Body(document).Length > 200)).Select(document => Known(document.Id, string.Join(' ',
                Words(Body(document)).Distinct().Where(word => counts[word] >= 3).OrderBy(word => counts[word]).ThenBy(word => word, StringComparer.Ordinal)
                    .Take(12).OrderBy(_ => random.Next()).Take(2 + random.Next(2)))))]);
    }

    // The judged questions, cut down to their rarest words.
    private static Derived Shortened(BeirCollection source, int words)
    {
        Dictionary<string, int> counts = [];
        foreach (string word in source.Documents.SelectMany(document => Words(document.Title + " " + document.Text).Distinct()))
        {
            counts[word] = counts.GetValueOrDefault(word) + 1;
        }

        return new Derived($"{source.Name}-{words}-words", source.Documents, [.. source.Queries.Select(query => query with
        {
            Text = string.Join(' ', Words(query.Text).Distinct().Where(counts.ContainsKey).OrderBy(word => counts[word]).ThenBy(word => word, StringComparer.Ordinal).Take(words)),
        })]);
    }

    private static Derived Subset(BeirCollection source, int size)
    {
        var random = new Random(13);
        HashSet<string> kept = [];
        var queries = new List<EvaluationQuery>();
        var known = source.Documents.Select(document => document.Id).ToHashSet(StringComparer.Ordinal);
        foreach (EvaluationQuery query in source.Queries.OrderBy(_ => random.Next()))
        {
            List<string> relevant = [.. query.Relevant.Keys.Where(known.Contains)];
            if (relevant.Count > 0 && kept.Union(relevant).Count() <= size / 2)
            {
                kept.UnionWith(relevant);
                queries.Add(query);
            }
        }

        kept.UnionWith(source.Documents.Select(document => document.Id).Where(id => !kept.Contains(id)).OrderBy(_ => random.Next()).Take(size - kept.Count).ToList());
        return new Derived($"{source.Name}-{size}", [.. source.Documents.Where(document => kept.Contains(document.Id))], queries);
    }

    private static KnowledgeDocument Document(string id, string text) => new(id, text) { IsOnePassage = true };

    private static EvaluationQuery Known(string id, string text) => new(id, text, new Dictionary<string, int> { [id] = 1 });

    private static IEnumerable<T> Sample<T>(IEnumerable<T> all)
    {
        var random = new Random(17);
        return all.OrderBy(_ => random.Next()).Take(MaxQuestions);
    }

    // Some collections repeat the title at the start of the text.
    private static string Body(KnowledgeDocument document)
    {
        string text = document.Text.Trim();
        string title = document.Title.Trim();
        return title.Length > 0 && text.StartsWith(title, StringComparison.OrdinalIgnoreCase) ? text[title.Length..].TrimStart(' ', '.') : text;
    }

    private static List<string> Split(string text)
    {
        var sentences = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (i + 1 == text.Length || (Ends.Contains(text[i]) && char.IsWhiteSpace(text[i + 1])))
            {
                string sentence = text[start..(i + 1)].Trim();
                if (sentence.Count(c => c == ' ') >= 4)
                {
                    sentences.Add(sentence);
                }

                start = i + 1;
            }
        }

        return sentences;
    }

    private static IEnumerable<string> Words(string text) =>
        text.ToLowerInvariant().Split([' ', '\n', '\t', '.', ',', ';', ':', '(', ')', '"', '?', '!', '/', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Where(word => word.Length >= 3);
}
