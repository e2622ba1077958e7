namespace Coach.Llm.Mock;

/// <summary>A sentence or a block, and the number of the passage it stands in.</summary>
internal sealed record ExtractedSentence(int Number, string Text, bool IsBlock);

/// <summary>
/// Picks the sentences that answer a question: by an encoder's similarity where there is one, and by the words that
/// they share with it, each counted by how rare it is among the candidates and damped by the sentence's length.
/// Headings and the rest of the passage help a little, and passages that were found first are believed a little more.
/// What says too little about the question is no answer.
/// </summary>
internal static class ExtractiveSummarizer
{
    private const int MaxUnitsRead = 2000;
    private const int MaxCompared = 32;
    private const int MaxTopic = 60;

    // Chosen with fifty questions about this project's documentation; neighbouring values do about as well.
    private const double LeastShare = 0.2;
    private const double RepeatedPassage = 0.25;
    private const double RankStep = 0.15;
    private const double RarityPower = 1.5;
    private const double HeadingShare = 1.0;

    // A row is short, and says less than a sentence of the same words.
    private const double BlockShare = 0.6;

    // An example repeats the words of what it shows; a sentence says it, unless code is what is asked for.
    private const double ExampleShare = 0.3;
    private const double HeadingCoverage = 0.9;
    private const double PassageCoverage = 0.5;

    // The least part of a question, by the rarity of its words, that an answer speaks of: without an encoder, and below
    // its floor; with one that is sure nothing of it.
    private const double LeastCoverage = 0.2;
    private const double LeastCoverageElsewhere = 0.15;
    private const double CoverageBelowFloor = 0.6;
    private const double SimilarityFloor = 0.35;
    private const double SimilarityWeight = 0.6;

    private static readonly HashSet<string> StopWords =
    [
        "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
        "can", "could", "did",
        "do", "for", "from", "get", "give", "had", "have", "her", "his", "how", "i", "if", "in", "into",
        "is", "it", "its",
        "make", "many", "may", "me", "mean", "much", "my", "need", "no", "not", "of", "on", "one", "or", "our", "out",
        "please", "s", "say",
        "shall", "should", "so", "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these",
        "they", "this", "to",
        "us", "use", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "would",
        "you", "your", "am", "been", "being", "does", "doing", "done", "happen", "happens", "has", "here", "just",
        "know", "let", "like", "must", "now", "only",
        "other", "possible", "really", "someone", "something", "too", "under",
        "until", "very", "don", "doesn", "isn", "t", "didn", "won", "want", "were", "whether", "while", "whom",
        "whose", "within", "without", "work", "works",
    ];

    private static readonly HashSet<string> CodeWords =
    [
        "code", "command", "configure", "curl", "example", "install", "json", "line", "option", "program", "register",
        "run", "script", "set", "setting", "snippet", "sql", "start", "syntax", "template", "variable", "write", "yaml",
    ];

    /// <summary>Picks; nothing when the passages do not answer.</summary>
    /// <param name="question">The question.</param>
    /// <param name="passages">The passages.</param>
    /// <param name="count">How many sentences at most.</param>
    /// <param name="comparer">An encoder's similarity; null without one.</param>
    /// <param name="cancellationToken">Ends the comparison.</param>
    public static async ValueTask<IReadOnlyList<ExtractedSentence>> PickAsync(
        string question, IReadOnlyList<GroundingPassage> passages, int count, GroundingComparer? comparer,
        CancellationToken cancellationToken)
    {
        bool isEnglish = WordForms.IsEnglish(Tokens(question));
        HashSet<string> wanted = isEnglish ? Stems(question) : WordForms.Wanted(Tokens(question));
        Func<string, HashSet<string>, bool> meets = isEnglish
            ? static (stem, stems) => stems.Contains(stem)
            : WordForms.Meets;
        List<Candidate> candidates = [.. Candidates(wanted, passages, meets).Take(MaxUnitsRead)];
        Dictionary<string, double> weights = Weights(wanted, candidates);
        double mass = weights.Values.Sum();
        double ofCode = Tokens(question).Any(CodeWords.Contains) ? BlockShare : ExampleShare;
        var ranked = candidates.Select(candidate => new Ranked(candidate, Words(candidate, weights, ofCode)))
            .OrderByDescending(each => each.Score)
            .ThenBy(each => each.Candidate.Order)
            .ToList();
        if (ranked.Count == 0)
        {
            return [];
        }

        IReadOnlyList<float>? similarities = comparer is null
            ? null
            : await comparer.CompareAsync(
                question, [.. ranked.Take(MaxCompared).Select(each => each.Candidate.Text)], cancellationToken)
                .ConfigureAwait(false);
        if (similarities is not null)
        {
            ranked = Compared(ranked, similarities);
        }

        double least = LeastCoverageOf(isEnglish, similarities is not null) * mass;
        bool decides = isEnglish && similarities is not null;
        ranked.RemoveAll(each => !Answers(each, weights, least, decides));
        return Choose(ranked, count, wanted);
    }

    /// <summary>The words of a question that carry meaning, for an answer that has to do without any.</summary>
    public static string Topic(string question)
    {
        if (question.Any(IsUnspaced))
        {
            string asked = question.Trim().TrimEnd('？', '?', '。');
            return $"\"{(asked.Length > MaxTopic ? asked[..MaxTopic] : asked)}\"";
        }

        string[] words = [.. Tokens(question).Where(word => !StopWords.Contains(word)).Distinct().Take(6)];
        return words.Length == 0 ? "that" : $"\"{string.Join(' ', words)}\"";
    }

    private static IEnumerable<Candidate> Candidates(
        HashSet<string> wanted, IReadOnlyList<GroundingPassage> passages, Func<string, HashSet<string>, bool> meets)
    {
        int order = 0;
        foreach (GroundingPassage passage in passages)
        {
            HashSet<string> heading = Stems(passage.Heading);
            HashSet<string> around = Stems(passage.Text);
            foreach ((PassageUnit unit, string scored) in PassageUnits.Of(passage.Text).SelectMany(PassageUnits.Parts))
            {
                HashSet<string> stems = Stems(scored);
                yield return new Candidate(passage.Number, unit.Text, unit.IsBlock, order++, stems)
                {
                    Hits = [.. wanted.Where(stem => meets(stem, stems))],
                    HeadingHits = [.. wanted.Where(stem => meets(stem, heading) && !meets(stem, stems))],
                    PassageHits =
                    [
                        .. wanted.Where(
                            stem => meets(stem, around) && !meets(stem, stems) && !meets(stem, heading)),
                    ],
                };
            }
        }
    }

    // A word that no passage has counts as the rarest.
    private static Dictionary<string, double> Weights(HashSet<string> wanted, List<Candidate> candidates) =>
        wanted.ToDictionary(
            stem => stem,
            stem => Math.Pow(
                Math.Log(1 + (candidates.Count / (1.0 + candidates.Count(each => each.Hits.Contains(stem))))),
                RarityPower));

    private static double Words(Candidate candidate, Dictionary<string, double> weights, double ofCode) =>
        (Sum(candidate.Hits, weights) + (HeadingShare * Sum(candidate.HeadingHits, weights)))
        * ShareOf(candidate, ofCode)
        / (Math.Sqrt(8 + candidate.Stems.Count) * (1 + (RankStep * (candidate.Number - 1))));

    private static double ShareOf(Candidate candidate, double ofCode) => candidate switch
    {
        { IsBlock: false } => 1,
        { IsCode: true } => ofCode,
        _ => BlockShare,
    };

    private static double Sum(string[] stems, Dictionary<string, double> weights) => stems.Sum(stem => weights[stem]);

    // Both on one scale: the best of each counts 1.
    private static List<Ranked> Compared(List<Ranked> ranked, IReadOnlyList<float> similarities)
    {
        double bestWords = Math.Max(ranked[0].Score, double.Epsilon);
        double nearest = Math.Max(similarities.Max(), 0.01);
        return
        [
            .. ranked.Take(similarities.Count)
                .Select((each, i) => each with
                {
                    Similarity = similarities[i],
                    Score = (SimilarityWeight * Math.Max(similarities[i], 0) / nearest)
                        + ((1 - SimilarityWeight) * each.Score / bestWords),
                })
                .OrderByDescending(each => each.Score)
                .ThenBy(each => each.Candidate.Order),
        ];
    }

    // Of another language's question the words that ask are not told from those that mean something, and what an
    // encoder of English says of it is little.
    private static double LeastCoverageOf(bool isEnglish, bool isCompared)
    {
        if (!isEnglish)
        {
            return LeastCoverageElsewhere;
        }

        return isCompared ? CoverageBelowFloor : LeastCoverage;
    }

    private static bool Answers(Ranked each, Dictionary<string, double> weights, double least, bool similarityDecides)
    {
        if (similarityDecides && each.Similarity >= SimilarityFloor)
        {
            return true;
        }

        Candidate candidate = each.Candidate;
        double covered = Sum(candidate.Hits, weights) + (HeadingCoverage * Sum(candidate.HeadingHits, weights))
            + (PassageCoverage * Sum(candidate.PassageHits, weights));
        return candidate.Hits.Length + candidate.HeadingHits.Length > 0
            && covered >= least;
    }

    // What shares little more than one common word with the question is no answer to it; a second sentence of one
    // passage adds less than the first of another.
    private static List<ExtractedSentence> Choose(List<Ranked> ranked, int count, HashSet<string> wanted)
    {
        var picked = new List<Candidate>();
        double least = ranked.Count == 0 ? 0 : ranked[0].Score * LeastShare;
        while (picked.Count < count)
        {
            Candidate? best = null;
            double bestScore = least;
            foreach (Ranked each in ranked)
            {
                double score = each.Score * Math.Pow(
                    RepeatedPassage, picked.Count(other => other.Number == each.Candidate.Number));
                if (score >= bestScore
                    && (best is null || score > bestScore)
                    && !picked.Exists(other => IsSaid(other, each.Candidate)))
                {
                    (best, bestScore) = (each.Candidate, score);
                }
            }

            if (best is null)
            {
                break;
            }

            picked.Add(best);
        }

        return [.. picked.Select(each => new ExtractedSentence(each.Number, Quoted(each, wanted), each.IsBlock))];
    }

    // One block of a passage is enough: the rows of a table are much alike.
    private static bool IsSaid(Candidate said, Candidate candidate) => said.Text == candidate.Text
        || (said.IsBlock && candidate.IsBlock && said.Number == candidate.Number);

    private static string Quoted(Candidate candidate, HashSet<string> wanted) => candidate.IsBlock
        ? PassageUnits.Shorten(candidate.Text, line => wanted.Overlaps(Stems(line)))
        : candidate.Text;

    private static HashSet<string> Stems(string text) =>
        [.. Tokens(text).Where(word => !StopWords.Contains(word)).Select(Stem)];

    // Words; pairs of characters where a script has no spaces.
    private static IEnumerable<string> Tokens(string text)
    {
        int start = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            bool isUnspaced = i < text.Length && IsUnspaced(text[i]);
            bool isWord = i < text.Length && char.IsLetterOrDigit(text[i]) && !isUnspaced;
            if (isWord && start < 0)
            {
                start = i;
            }
            else if (!isWord && start >= 0)
            {
                yield return text[start..i].ToLowerInvariant();
                start = -1;
            }

            if (isUnspaced && i + 1 < text.Length && IsUnspaced(text[i + 1]))
            {
                yield return text.Substring(i, 2);
            }
        }
    }

    private static bool IsUnspaced(char c) => c is (>= '\u0E00' and <= '\u0E7F') or (>= '\u3040' and <= '\u30FF')
        or (>= '\u3400' and <= '\u9FFF') or (>= '\uAC00' and <= '\uD7A3');

    // The commonest English endings, so that "refunds", "refunded" and "refund" meet; nothing finer is needed here.
    private static string Stem(string word)
    {
        foreach (string ending in (ReadOnlySpan<string>)["ing", "ies", "ied", "es", "ed", "ly", "s"])
        {
            if (word.Length > ending.Length + 2
                && word.EndsWith(ending, StringComparison.Ordinal)
                && !word.EndsWith("ss", StringComparison.Ordinal))
            {
                string stem = word[..^ending.Length] + (ending is "ies" or "ied" ? "y" : "");
                if (stem.Length > 2 && stem[^1] == stem[^2])
                {
                    return stem[..^1];
                }

                string trimmed = stem.TrimEnd('e');
                return trimmed.Length > 2 ? trimmed : stem;
            }
        }

        return word.Length > 3 ? word.TrimEnd('e') : word;
    }

    private sealed record Candidate(int Number, string Text, bool IsBlock, int Order, HashSet<string> Stems)
    {
        public bool IsCode => IsBlock && PassageUnits.IsFence(Text);

        public required string[] Hits { get; init; }

        public required string[] HeadingHits { get; init; }

        public required string[] PassageHits { get; init; }
    }

    private sealed record Ranked(Candidate Candidate, double Score)
    {
        public double Similarity { get; init; }
    }
}
