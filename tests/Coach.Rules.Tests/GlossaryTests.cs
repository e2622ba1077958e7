using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>The words of the code are the field's, and <c>docs/glossary.md</c> says which and from where.</summary>
public sealed partial class GlossaryTests
{
    // Words of earlier versions that no book knows. Left out are those that another type rightly bears by now.
    private static readonly string[] PrivateWords =
    [
        "RagIndex", "IndexView", "IndexSnapshot", "KnowledgeLoader", "IngestBatch", "DocumentIntake", "IngestTally", "Reanalysis",
        "OrphanedDocuments", "DimensionChange", "SourceState", "EmbeddingArm", "DenseCandidates", "LatentTrust", "LatentLearner",
        "LatentCodes", "AgreementMeter", "RankingPipeline", "Relevance", "WordSet", "PassageSelection", "QuestionWords", "RetrievalArms",
        "TopRows", "ScoredRow", "TermFigures", "QueryTerms", "LexicalScratch", "SearchScratch", "RowBitmap", "StringTable",
        "DocumentTable", "ForwardIndex", "PostingCursor", "ServedCommit", "IndexOpening", "IndexUsage", "ChatWire", "WireChatClient",
        "WireException", "WireFault", "ProtectedParts", "Judgement", "ProviderVerdict", "ProbeOutcome", "SuccessShape", "KeyProbe",
        "KeyProber", "LocalKeyCheck", "RetryHint", "VerdictMessages", "CallPolicies", "CallBudget", "FirstTokenLimit", "TimedStream",
        "KeyClass", "CoolDowns", "FallbackRun", "OutcomeCache", "ClientMaker", "ClientCreation", "LeaseTicket", "SessionCensus",
        "IdleOrder", "SentencePicker", "PaymentParts", "LinkCreation", "Flight", "Land", "Belief", "Doubt", "StepRunner", "StepRepeat",
        "DispatcherRoad", "NamedToolsRoad", "StripeRoads", "ToolAnswer", "ScrapeFlight", "Variant", "IPageOrders", "PageBody",
        "MetricsPage", "PackedPage", "FamilyBlock", "MergedFamily", "SeriesText", "NumberText", "EndedSessions", "Conversations",
        "ChatStream", "KeyPlaces", "BodyDelivery", "StripeCore", "StripeState", "StripeRoutes", "StripeParameters", "FaultPump",
    ];

    private static readonly Lazy<IReadOnlySet<string>> Types = new(() => SourceTypes.Of("src"));

    private static readonly Lazy<(string Term, string Meaning, string Source, string[] Types)[]> Entries = new(Read);

    [Fact]
    public void Terms_AreUniqueAndSorted()
    {
        string[] terms = [.. Entries.Value.Select(entry => entry.Term)];
        Assert.True(terms.Length >= 60, $"Only {terms.Length} terms were read from docs/glossary.md.");
        Assert.Equal(terms.Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase), terms);
    }

    [Fact]
    public void Terms_EachHaveAMeaningASourceAndATypeThatExists() => Assert.Empty(Entries.Value
        .Where(entry => entry.Meaning.Length == 0 || entry.Source.Length == 0 || entry.Types.Length == 0 || !entry.Types.All(Types.Value.Contains))
        .Select(entry => $"{entry.Term}: {string.Join(", ", entry.Types.Where(type => !Types.Value.Contains(type)))}"));

    [Fact]
    public void PrivateWords_NameNoType() => Assert.Empty(PrivateWords.Where(Types.Value.Contains));

    private static (string, string, string, string[])[] Read() =>
    [
        .. RowPattern().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "glossary.md")).ReplaceLineEndings("\n"))
            .Select(row => row.Groups)
            .Where(row => row["term"].Value is not ("Term" or "---"))
            .Select(row => (row["term"].Value, row["meaning"].Value, row["source"].Value,
                NamePattern().Matches(row["types"].Value).Select(name => name.Groups["name"].Value).ToArray())),
    ];

    [GeneratedRegex(@"^\| *(?<term>[^|]*?) *\| *(?<meaning>[^|]*?) *\| *(?<source>[^|]*?) *\| *(?<types>[^|]*?) *\|$", RegexOptions.Multiline)]
    private static partial Regex RowPattern();

    [GeneratedRegex("`(?<name>[A-Za-z0-9]+)`")]
    private static partial Regex NamePattern();
}
