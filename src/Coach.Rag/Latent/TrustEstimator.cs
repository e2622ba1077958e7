using System.Text;

namespace Coach.Rag;

/// <summary>
/// Measures without any judgment how much the latent arm helps in this collection: a sentence is taken out of a passage and asked for;
/// the passage, without it, should be found (the inverse cloze task: Lee, Chang and Toutanova, ACL 2019). The weight is the smallest
/// that reaches half of the best gain, for questions with common and with rare words apart: half, because a sentence of a document
/// says more about the rest of it than a stranger's question does.
/// </summary>
internal sealed class TrustEstimator(IndexView view, LatentModel model, CoachRagOptions options, CancellationToken cancellationToken)
{
    private const int Samples = 600;
    private const int MinSamples = 40;
    private const int MinSentenceTerms = 5;
    private const int MaxSentenceTerms = 40;
    private const int Candidates = RankingPipeline.MinCandidates;
    private const int Steps = 10;
    private const float MaxWeight = 0.5f;
    private const double MinGain = 0.003;

    private readonly SearchScratch _scratch = SearchScratch.Rent(Candidates + 1);

    /// <summary>One question made from a passage: how rare its rarest word is, and the reciprocal rank at each weight.</summary>
    private readonly record struct Sample(float LargestIdf, float[] Ranks);

    public LatentTrust Estimate()
    {
        var random = new Random(20260101);
        var samples = new List<Sample>();
        for (int i = 0; i < Samples * 4 && samples.Count < Samples && i < view.Rows * 4; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long number = random.NextInt64(view.Rows);
            int segment = 0;
            while (number >= view.Segments[segment].Reader.Rows)
            {
                number -= view.Segments[segment++].Reader.Rows;
            }

            if (!view.Segments[segment].Deleted[(int)number] && Ask(segment, (int)number, random) is { } sample)
            {
                samples.Add(sample);
            }
        }

        _scratch.Return();
        if (samples.Count < MinSamples)
        {
            return LatentTrust.Cautious;
        }

        samples.Sort((x, y) => x.LargestIdf.CompareTo(y.LargestIdf));
        int half = samples.Count / 2;
        List<Sample> common = samples[..half];
        List<Sample> rare = samples[half..];
        return new LatentTrust(WeightOf(common), WeightOf(rare), common.Average(s => s.LargestIdf), rare.Average(s => s.LargestIdf));
    }

    private static float WeightOf(List<Sample> samples)
    {
        var means = new double[Steps + 1];
        for (int step = 0; step <= Steps; step++)
        {
            means[step] = samples.Average(sample => sample.Ranks[step]);
        }

        double best = means.Max() - means[0];
        if (best < MinGain)
        {
            return 0.05f;
        }

        int at = Array.FindIndex(means, mean => mean - means[0] >= best / 2);
        double below = means[at - 1] - means[0];
        double share = ((best / 2) - below) / (means[at] - means[0] - below);
        return (float)Math.Clamp((at - 1 + share) / Steps, 0.05, MaxWeight);
    }

    private Sample? Ask(int segment, int row, Random random)
    {
        SegmentReader reader = view.Segments[segment].Reader;
        (string text, Chunk chunk) = reader.Passage(row);
        List<Range> sentences = Sentences(text);
        if (sentences.Count < 3)
        {
            return null;
        }

        Range sentence = sentences[random.Next(sentences.Count)];
        QueryTerms query = _scratch.Query;
        query.Read(text.AsSpan(sentence));
        if (query.Count is < MinSentenceTerms or > MaxSentenceTerms)
        {
            return null;
        }

        query.Weigh(view);
        (int start, int length) = sentence.GetOffsetAndLength(text.Length);
        DocumentEntry document = reader.Document(reader.DocumentOf(row));
        Dictionary<string, int> rest = Count(document.Title + "\n" + chunk.Heading + "\n" + text[..start] + "\n" + text[(start + length)..]);
        return new Sample(query.LargestIdf, Ranks(ScoredRow.Key(segment, row), rest));
    }

    private float[] Ranks(long row, Dictionary<string, int> rest)
    {
        QueryTerms query = _scratch.Query;
        float lexicalScore = LexicalScore(query, rest);
        int found = Lexical(row, lexicalScore);
        ReadOnlySpan<ScoredRow> lexical = _scratch.LexicalRows.AsSpan(0, found);
        LatentSearch.Place(model, query, _scratch);
        var special = new LatentOverride(row, Unit(rest));
        LatentSearch.Refine(view, lexical, Candidates, 0.3f, _scratch, special);
        int near = LatentSearch.Nearest(view, null, Candidates, _scratch, _scratch.DenseRows);
        near = Replace(_scratch.DenseRows, near, row, LatentSearch.Similarity(view, new ScoredRow(row, 0), _scratch.Unit.AsSpan(0, model.Dimensions), special));
        var ranks = new float[Steps + 1];
        for (int step = 0; step <= Steps; step++)
        {
            int count = RankFusion.Fuse(lexical, _scratch.DenseRows.AsSpan(0, near), Candidates, (float)step / Steps, _scratch.Fused);
            for (int i = 0; i < count; i++)
            {
                if (_scratch.Fused[i].Row == row)
                {
                    ranks[step] = _scratch.Fused[i].Score > 0 ? 1f / (i + 1) : 0;
                    break;
                }
            }
        }

        return ranks;
    }

    private int Lexical(long row, float score)
    {
        int found = LexicalSearch.Run(view, _scratch.Query, options, Candidates, null, _scratch.Lexical, _scratch.LexicalRows);
        return Replace(_scratch.LexicalRows, found, row, score);
    }

    // Takes the row out, puts it back with its new score, and keeps the list's length.
    private static int Replace(ScoredRow[] list, int count, long row, float score)
    {
        int at = Array.FindIndex(list, 0, count, entry => entry.Row == row);
        if (at < 0)
        {
            if (count == Candidates)
            {
                if (list[count - 1].Score >= score)
                {
                    return count;
                }

                at = count - 1;
            }
            else
            {
                at = count++;
            }
        }

        list[at] = new ScoredRow(row, score);
        list.AsSpan(0, count).Sort(static (x, y) => y.Score != x.Score ? y.Score.CompareTo(x.Score) : x.Row.CompareTo(y.Row));
        return score > 0 || list[count - 1].Row != row ? count : count - 1;
    }

    private float LexicalScore(QueryTerms query, Dictionary<string, int> rest)
    {
        var bm25 = new Bm25(options.Bm25K1, options.Bm25B, view.AverageLength);
        int length = rest.Values.Sum();
        float score = 0;
        foreach (ref readonly QueryTerm term in query.Terms)
        {
            if (rest.TryGetValue(Encoding.UTF8.GetString(term.Bytes.Span), out int frequency))
            {
                score += term.Weight * bm25.Weight(frequency, length);
            }
        }

        return score;
    }

    private float[] Unit(Dictionary<string, int> rest)
    {
        var vector = new float[model.VectorLength];
        foreach ((string term, int frequency) in rest)
        {
            int number = model.IndexOf(Encoding.UTF8.GetBytes(term));
            if (number >= 0)
            {
                model.Add(number, LatentModel.Occurrences(frequency), vector);
            }
        }

        var unit = new float[model.Dimensions];
        DenseQuantizer.Normalize(vector.AsSpan(0, model.Dimensions), unit);
        return unit;
    }

    private static List<Range> Sentences(string text)
    {
        var sentences = new List<Range>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            bool ends = text[i] is '。' or '！' or '？' || (text[i] is '.' or '!' or '?' && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1])))
                || i + 1 == text.Length;
            if (ends)
            {
                if (!text.AsSpan(start, i + 1 - start).IsWhiteSpace())
                {
                    sentences.Add(start..(i + 1));
                }

                start = i + 1;
            }
        }

        return sentences;
    }

    private static Dictionary<string, int> Count(string text)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var sink = new CountSink(counts);
        Tokenizer.Run(text, ref sink);
        return counts;
    }

    private readonly struct CountSink(Dictionary<string, int> counts) : ITokenSink
    {
        public void Accept(scoped Span<char> token)
        {
            int length = TermNormalizer.Normalize(token);
            if (length > 0)
            {
                System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, new string(token[..length]), out _)++;
            }
        }
    }
}
