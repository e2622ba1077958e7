using System.Text.RegularExpressions;

namespace Memo.Evaluation;

/// <summary>What can be counted in a text. Sentences that instruct the judge are left out.</summary>
internal sealed partial class TextFigures
{
    public TextFigures(string text)
    {
        All = TextParts.Sentences(text);
        Sentences = [.. All.Where(sentence => !sentence.IsInstruction)];
        Words = Sentences.Sum(sentence => sentence.Words);
        Paragraphs = TextParts.Paragraphs(text)
            .Count(paragraph => Sentences.Any(sentence => sentence.Start >= paragraph.Start
                && sentence.Start < paragraph.Start + paragraph.Length));
    }

    public IReadOnlyList<TextSentence> All { get; }

    public IReadOnlyList<TextSentence> Sentences { get; }

    public int Words { get; }

    public int Paragraphs { get; }

    public double WordsPerSentence => Sentences.Count == 0 ? 0 : Words / (double)Sentences.Count;

    /// <summary>The sentences that a pattern finds.</summary>
    public List<TextSentence> With(Regex pattern) =>
        [.. Sentences.Where(sentence => pattern.IsMatch(sentence.Text))];

    [GeneratedRegex(@"[$€£]\s?\d|\d+([.,]\d+)*\s?(%|percent|million|billion|k\b|m\b|years?|months?|weeks?|days?|hours?)|\b\d+([.,]\d+)*\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Numbers();

    [GeneratedRegex(@"\b(maybe|perhaps|possibly|might|could|somewhat|probably|we (think|feel|believe|hope)|sort of|kind of|fairly|rather|it seems|arguably)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Hedges();

    [GeneratedRegex(@"\b(first(ly)?|second(ly)?|third(ly)?|finally|therefore|thus|because|however|in (summary|short|conclusion)|as a result|next|consequently|for example)\b|^\s*([-*•#]|\d+[.)])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Links();

    [GeneratedRegex(@"\b(data|study|studies|survey|pilot|test(ed)?|measured|according to|source|evidence|analysis|results?|benchmark|customers?|showed|shows|found)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Evidence();

    [GeneratedRegex(@"\b(roi|npv|irr|payback|return|revenue|costs?|savings?|saves?|margin|profit|budget|invest(ment)?|cash)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Finance();

    [GeneratedRegex(@"\b(strateg\w+|goals?|priorit\w+|objectives?|mission|vision|align\w*|competit\w+|market|customers?|growth|long[- ]term)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Goals();

    [GeneratedRegex(@"\b(we (ask|request|propose|recommend|need|seek)|i (ask|request|propose|recommend)|please (approve|decide)|approve|approval|decision|recommend(ation)?|request(ed)?|opportunit\w+|benefits?)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Asks();

    [GeneratedRegex(@"\b(risks?|risky|mitigat\w+|contingen\w+|fail(s|ure)?|threats?|worst case|downside|depend(s|ency)?|if .{1,60} (fails|slips)|fallback|uncertain\w*)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Risks();

    [GeneratedRegex(@"\b(plan|phase|timeline|milestone|schedule|quarter|q[1-4]|weeks?|months?|team|resources?|steps?|roll ?out|launch|deliver\w*|owner|by (january|february|march|april|may|june|july|august|september|october|november|december))\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 30_000)]
    public static partial Regex Plans();
}
