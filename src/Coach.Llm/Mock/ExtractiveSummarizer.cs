using System.Text.RegularExpressions;

namespace Coach.Llm.Mock;

/// <summary>A sentence and the number of the passage it stands in.</summary>
internal sealed record ExtractedSentence(int Number, string Text);

/// <summary>
/// Picks the sentences that share the most with a question: each distinct stem of the question counts by how rare it is
/// among the candidate sentences, the sum is damped by the sentence's length, headings help all sentences below them,
/// and passages that were found first are believed a little more.
/// </summary>
internal static partial class ExtractiveSummarizer
{
    private const int MaxSentence = 600;
    private const int MaxSentencesRead = 2000;

    // Chosen with fifty questions about this project's documentation; neighbouring values do about as well.
    private const double LeastShare = 0.3;
    private const double RepeatedPassage = 0.5;
    private const double RankStep = 0.15;
    private const double RarityPower = 1.5;
    private const double HeadingShare = 0.6;

    private static readonly HashSet<string> StopWords =
    [
        "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
        "can", "could", "did",
        "do", "does", "for", "from", "get", "give", "had", "has", "have", "her", "his", "how", "i", "if", "in", "into",
        "is", "it", "its",
        "make", "many", "may", "me", "mean", "much", "my", "need", "no", "not", "of", "on", "one", "or", "our", "out",
        "please", "s", "say",
        "shall", "should", "so", "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these",
        "they", "this", "to",
        "us", "use", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would",
        "you", "your",
    ];

    public static IReadOnlyList<ExtractedSentence> Pick(
        string question, IReadOnlyList<GroundingPassage> passages, int count)
    {
        HashSet<string> wanted = Stems(question);
        if (wanted.Count == 0)
        {
            return [];
        }

        var candidates = new List<Candidate>();
        foreach (GroundingPassage passage in passages)
        {
            HashSet<string> heading = Stems(passage.Heading);
            foreach (string sentence in Sentences(passage.Text).Take(MaxSentencesRead - candidates.Count))
            {
                HashSet<string> stems = Stems(sentence);
                string[] said = [.. wanted.Where(stems.Contains)];
                string[] above = [.. wanted.Where(stem => heading.Contains(stem) && !stems.Contains(stem))];
                candidates.Add(new Candidate(passage.Number, sentence, candidates.Count, stems, said, above));
            }
        }

        double Rarity(string stem) =>
            Math.Log(1 + (candidates.Count / (1.0 + candidates.Count(candidate => candidate.Stems.Contains(stem)))));
        Dictionary<string, double> weights = wanted.ToDictionary(
            stem => stem, stem => Math.Pow(Rarity(stem), RarityPower));
        List<Candidate> ranked =
        [
            .. candidates
                .Where(candidate => candidate.Hits.Length + candidate.HeadingHits.Length > 0)
                .OrderByDescending(candidate => Score(candidate, weights))
                .ThenBy(candidate => candidate.Order),
        ];
        if (ranked.Count == 0)
        {
            return [];
        }

        // What shares little more than one common word with the question is no answer to it; a second sentence of one
        // passage adds less than the first of another.
        double least = Score(ranked[0], weights) * LeastShare;
        var picked = new List<Candidate>();
        while (picked.Count < count)
        {
            Candidate? best = null;
            double bestScore = least;
            foreach (Candidate candidate in ranked)
            {
                double score = Score(
                    candidate, weights) * Math.Pow(RepeatedPassage,
                    picked.Count(other => other.Number == candidate.Number));
                if (score >= bestScore
                    && (best is null || score > bestScore)
                    && !picked.Exists(other => other.Text == candidate.Text))
                {
                    (best, bestScore) = (candidate, score);
                }
            }

            if (best is null)
            {
                break;
            }

            picked.Add(best);
        }

        return [.. picked.Select(candidate => new ExtractedSentence(candidate.Number, candidate.Text))];
    }

    /// <summary>The words of a question that carry meaning, for an answer that has to do without any.</summary>
    public static string Topic(string question)
    {
        string[] words = [.. Tokens(question).Where(word => !StopWords.Contains(word)).Distinct().Take(6)];
        return words.Length == 0 ? "that" : $"\"{string.Join(' ', words)}\"";
    }

    /// <summary>Splits at the ends of sentences and at blank or list lines; joins lines that were wrapped.</summary>
    internal static IEnumerable<string> Sentences(string text)
    {
        foreach (string block in Blocks(text))
        {
            int start = 0;
            for (int i = 0; i < block.Length; i++)
            {
                bool isEnd = block[i] is '.' or '!' or '?' && (
                    i + 1 == block.Length || (block[i + 1] == ' ' && !IsAbbreviation(block, i)));
                if (isEnd || i + 1 == block.Length || i - start >= MaxSentence)
                {
                    string sentence = Quotable(block[start..(i + 1)].Trim());
                    start = i + 1;
                    if (sentence.Length > 2 && sentence.Any(char.IsLetterOrDigit))
                    {
                        yield return sentence;
                    }
                }
            }
        }
    }

    // Numbers in brackets would pose as citations of this answer, and half a code span would take the citation into the
    // code.
    private static string Quotable(string sentence)
    {
        sentence = BracketedNumbers().Replace(sentence, "").TrimEnd();
        return sentence.Count(c => c == '`') % 2 == 0 ? sentence : sentence.Replace("`", "", StringComparison.Ordinal);
    }

    private static IEnumerable<string> Blocks(string text)
    {
        var lines = new List<string>();
        bool isCode = false;
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.Trim();
            bool isFence = line.StartsWith(
                "```", StringComparison.Ordinal) || line.StartsWith("~~~", StringComparison.Ordinal);
            if ((isFence || isCode) && lines.Count > 0)
            {
                yield return string.Join(' ', lines);       // each line of code is quoted by itself
                lines.Clear();
            }

            if (isFence)
            {
                isCode = !isCode;
                continue;
            }

            if (line.Length > 0 && line.AsSpan().IndexOfAnyExcept("|-: ") < 0)
            {
                lines.Clear();      // the rule under a table's head: neither says anything
                continue;
            }

            bool begins = line.StartsWith("- ", StringComparison.Ordinal)
                || line.StartsWith("* ", StringComparison.Ordinal)
                || line.StartsWith('#') || line.StartsWith('|');
            if ((line.Length == 0 || begins) && lines.Count > 0)
            {
                yield return string.Join(' ', lines);
                lines.Clear();
            }

            line = line.TrimStart('#', '-', '*', ' ');
            if (line.Length > 0)
            {
                lines.Add(line);
            }
        }

        if (lines.Count > 0)
        {
            yield return string.Join(' ', lines);
        }
    }

    // "e.g. this", "Mr. Smith", "no. 5": a full stop after a short word whose follower does not begin a sentence.
    private static bool IsAbbreviation(string text, int dot) =>
        text[dot] == '.' && dot + 2 < text.Length && (char.IsLower(text[dot + 2]) || char.IsDigit(text[dot + 2]))
        && (dot < 3 || text.AsSpan(Math.Max(0, dot - 3), Math.Min(3, dot)).ContainsAny(' ', '.'));

    private static double Score(Candidate candidate, Dictionary<string, double> weights) =>
        (candidate.Hits.Sum(stem => weights[stem]) + (HeadingShare * candidate.HeadingHits.Sum(stem => weights[stem])))
        / (Math.Sqrt(8 + candidate.Stems.Count) * (1 + (RankStep * (candidate.Number - 1))));

    private static HashSet<string> Stems(string text) =>
        [.. Tokens(text).Where(word => !StopWords.Contains(word)).Select(Stem)];

    private static IEnumerable<string> Tokens(string text)
    {
        int start = -1;
        for (int i = 0; i <= text.Length; i++)
        {
            bool isWord = i < text.Length && char.IsLetterOrDigit(text[i]);
            if (isWord && start < 0)
            {
                start = i;
            }
            else if (!isWord && start >= 0)
            {
                yield return text[start..i].ToLowerInvariant();
                start = -1;
            }
        }
    }

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

    [GeneratedRegex(@" ?(?:\[[\^\d,;–\- ]*\d[\d,;–\- ]*\]|【[\d,;–\- ]*\d[^】]*】)")]
    private static partial Regex BracketedNumbers();

    private sealed record Candidate(
        int Number, string Text, int Order, HashSet<string> Stems, string[] Hits, string[] HeadingHits);
}
