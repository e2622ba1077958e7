using System.Text;
using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Languages.Tests.Scenarios;

public sealed class LanguageScenarioTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("languages").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A word is met in compounds, and a compound in its parts.</summary>
    [Theory]
    [InlineData("Wie verlängere ich einen Vertrag?", "Vertragsverlängerungen sind schriftlich zu beantragen.")]
    [InlineData("Was tun bei einem Verbindungsfehler?", "Bricht die Verbindung ab, so ist das ein Fehler des Netzes.")]
    [InlineData("Wo steht die Kundennummer?", "Die Nummer jedes Kunden steht oben rechts.")]
    [InlineData("Wie hoch ist die Gebühr?", "Die Bearbeitungsgebühr beträgt acht Euro und ist bei der Abholung fällig.")]
    [InlineData("Rueckerstattung", "Die Rückerstattungen dauern zehn Tage.")]
    [InlineData("strasse", "Die Straßen sind nachts beleuchtet.")]
    public async Task RetrieveAsync_GermanCompounds_AreMet(string question, string text)
    {
        await using RagHost host = await StartAsync(text, "Der Garten ist im Sommer bis zehn Uhr abends geöffnet.");

        Assert.Equal("0", await FirstAsync(host, question));
    }

    [Theory]
    [InlineData("Wie wird das Wetter in Lissabon?")]
    [InlineData("Schreib mir ein Gedicht über den Herbst")]
    public async Task RetrieveAsync_NothingToDoWithIt_FindsNothing(string question)
    {
        await using RagHost host = await StartAsync(
            "Vertragsverlängerungen sind schriftlich zu beantragen.", "Rückerstattungen dauern zehn Tage.", "Die Bearbeitungsgebühr beträgt acht Euro.");

        Assert.Equal("nothing", await FirstAsync(host, question));
    }

    /// <summary>English documents are indexed and asked for as before, whatever languages are added.</summary>
    [Fact]
    public async Task RetrieveAsync_English_IsAsWithoutLanguages()
    {
        string[] texts = ["The routers are configured with certificates.", "Die Router werden mit Zertifikaten konfiguriert.", "Refunds take ten days and are paid to the account."];
        await using RagHost host = await StartAsync(texts);

        Assert.Equal("0", await FirstAsync(host, "How do I configure a router with a certificate?"));
        Assert.Equal("1", await FirstAsync(host, "Wie konfiguriere ich den Router mit einem Zertifikat?"));
        Assert.Equal("2", await FirstAsync(host, "refunding"));
    }

    /// <summary>A document may say what it is written in; a doubtful code is no code.</summary>
    [Theory]
    [InlineData("sv-SE", "0")]
    [InlineData("SV", "0")]
    [InlineData("swedish", "nothing")]
    public async Task RetrieveAsync_DocumentNamesItsLanguage_IsStemmedByIt(string code, string expected)
    {
        // Too short to be told by its words.
        await using RagHost host = await StartAsync(new KnowledgeDocument("0", "Fönsterputsarna Sjukhusens")
        {
            Metadata = new Dictionary<string, string> { ["lang"] = code },
        });

        Assert.Equal(expected, await FirstAsync(host, "Vad kostar en fönsterputsare på ett sjukhus?"));
    }

    /// <summary>Accents that stand apart (NFD), capitals and soft hyphens are spellings of one word.</summary>
    [Fact]
    public async Task RetrieveAsync_OtherSpellings_AreOneWord()
    {
        await using RagHost host = await StartAsync(
            "Les abonnements résiliés prennent fin à la fin du mois.".Normalize(NormalizationForm.FormD), "Les mai\u00ADsons ont une clé.");

        Assert.Equal("0", await FirstAsync(host, "COMMENT RÉSILIER UN ABONNEMENT ?"));
        Assert.Equal("1", await FirstAsync(host, "Où est la maison ?"));
    }

    /// <summary>An index that was made without languages is made again with them, from its own text.</summary>
    [Fact]
    public async Task WithLanguages_IndexOfBefore_IsMadeAgain()
    {
        string file = Path.Combine(_folder, "k.coach");
        await using (var before = new RagHost(null, options => (options.IndexFile, options.Learn) = (file, false)))
        {
            await before.Knowledge.AddOrUpdateAsync(
                [new KnowledgeDocument("0", "Die Häuser haben einen Schlüssel."), new KnowledgeDocument("1", "Der Garten ist geöffnet.")],
                cancellationToken: TestContext.Current.CancellationToken);
        }

        await using var after = new RagHost(rag => rag.WithLanguages("de"), options => (options.IndexFile, options.Learn) = (file, false));
        await after.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("0", await FirstAsync(after, "Wo liegt das Haus?"));
    }

    /// <summary>A stemmer of the host's that fails costs the forms of words, not the document.</summary>
    [Fact]
    public async Task WithLanguage_StemmerThatThrows_LosesNoDocument()
    {
        await using var host = new RagHost(rag => rag.WithLanguage(new BrokenLanguage()), options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
            [new KnowledgeDocument("0", "La saluton kaj la adiaŭon")], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("0", await FirstAsync(host, "kaj la adiaŭon"));
    }

    [Theory]
    [InlineData("en")]
    [InlineData("DE")]
    [InlineData("deu")]
    [InlineData("")]
    public void WithLanguage_CodeThatIsNone_IsRefused(string code)
    {
        CoachRagBuilder builder = new ServiceCollection().AddCoachRag();

        Assert.Throws<ArgumentException>(() => builder.WithLanguage(new BrokenLanguage { Language = code }));
    }

    [Fact]
    public void WithLanguages_UnknownCode_NamesThoseThatAreThere()
    {
        var thrown = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCoachRag().WithLanguages("xx"));

        Assert.Contains("de", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(17, SnowballLanguages.Codes.Count);
    }

    private static async Task<RagHost> StartAsync(params string[] texts) =>
        await StartAsync([.. texts.Select((text, i) => new KnowledgeDocument($"{i}", text))]);

    private static async Task<RagHost> StartAsync(params KnowledgeDocument[] documents)
    {
        var host = new RagHost(rag => rag.WithLanguages(), options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(documents, cancellationToken: TestContext.Current.CancellationToken);
        return host;
    }

    private static async Task<string> FirstAsync(RagHost host, string question)
    {
        Retrieval found = await host.Retriever.RetrieveAsync(question, cancellationToken: TestContext.Current.CancellationToken);
        return found.Passages.Count > 0 ? found.Passages[0].DocumentId : "nothing";
    }

    private sealed class BrokenLanguage : ILanguageAnalyzer
    {
        public string Language { get; init; } = "eo";

        public string Algorithm => "broken/1";

        public IReadOnlyCollection<string> StopWords => ["la"];

        public bool WritesCompounds => false;

        public string Stem(string word) => throw new InvalidOperationException("no stem");
    }
}
