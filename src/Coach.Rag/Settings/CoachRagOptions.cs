using Coach.Rag.Analysis;

namespace Coach.Rag;

/// <summary>Settings of Coach.Rag: the section <c>Coach:Rag</c>.</summary>
public sealed class CoachRagOptions
{
    private TextAnalysis _analysis = TextAnalysis.English;

    /// <summary>A folder of documents that is read at start and read again when it changes.</summary>
    /// <value>Null: only what is registered or added in code.</value>
    public string? Knowledge { get; set; }

    /// <summary>The path of the index file.</summary>
    /// <value>Null: the index lives in memory and is built at each start.</value>
    public string? IndexFile { get; set; }

    /// <summary>
    /// The longest that a retrieval may keep a chat waiting, the wait for the first reading of the documents included.
    /// </summary>
    /// <value>10 ms to 5 minutes; 5 seconds unless set.</value>
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest that embedding a question may take before a lower tier answers.</summary>
    /// <value>10 ms to 1 minute; 2 seconds unless set.</value>
    public TimeSpan EmbeddingTimeLimit { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest that embedding one batch of passages may take at ingest.</summary>
    /// <value>1 second to 10 minutes; 60 seconds unless set.</value>
    public TimeSpan BatchTimeLimit { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Whether the app cannot do without retrieval: then a missing tier makes it unhealthy, not only degraded.
    /// </summary>
    /// <value>False unless set.</value>
    public bool Required { get; set; }

    /// <summary>The most passages of a retrieval.</summary>
    /// <value>1 to 1000; 5 unless set.</value>
    public int Top { get; set; } = 5;

    /// <summary>The least fused score of a passage.</summary>
    /// <value>0 to 1; 0 unless set.</value>
    public double MinScore { get; set; }

    /// <summary>
    /// The least share of a question's words, weighted by their rarity, that one of the passages must hold, if it holds
    /// fewer than three. Below it the question has nothing to do with the documents, and no passage is returned. In the
    /// tier <c>RagTier.Hybrid</c> the nearest passage decides instead: see <see cref="MinSimilarity"/>.
    /// </summary>
    /// <value>0 (take what is best) to 1; 0.3 unless set.</value>
    public double MinCoverage { get; set; } = 0.3;

    /// <summary>
    /// The cosine of the nearest passage below which a question has nothing to do with the documents, unless one of
    /// them holds most of its words.
    /// </summary>
    /// <value>
    /// -1 to 1; null: what the encoder says of itself (<see cref="EmbedderProfile.Floor"/>). With
    /// <see cref="MinCoverage"/> 0 there is no floor.
    /// </value>
    public double? MinSimilarity { get; set; }

    /// <summary>
    /// Whether a word of a question that no passage holds stands for the one that it differs from by one letter (of
    /// eight letters and more by two).
    /// </summary>
    /// <value>True unless set.</value>
    public bool CorrectTypos { get; set; } = true;

    /// <summary>
    /// Whether a follow-up ("and on Windows?") is completed from the conversation and from the passages that were cited
    /// last, without asking a model.
    /// </summary>
    /// <value>True unless set.</value>
    public bool CompleteFollowUps { get; set; } = true;

    /// <summary>
    /// Whether every vector is compared exactly, also where estimates by one bit a component would leave most of them
    /// out sooner: from some 16,000 passages on. Slower there; the results differ in rare cases only.
    /// </summary>
    /// <value>False unless set.</value>
    public bool ExactVectorSearch { get; set; }

    /// <summary>
    /// What is put before a question that is embedded, where an encoder was trained to be told what it reads, as E5 is
    /// ("query: "). Passages are embedded anew when it changes.
    /// </summary>
    /// <value>At most 500 characters; empty unless set.</value>
    public string QueryPrefix { get; set; } = "";

    /// <summary>What is put before a passage that is embedded ("passage: " for E5).</summary>
    /// <value>At most 500 characters; empty unless set. Passages are embedded anew when it changes.</value>
    public string DocumentPrefix { get; set; } = "";

    /// <summary>
    /// The most tokens of a passage: the encoder's own where it counts them (<see cref="ITokenCounter"/>), and with
    /// title and headings no more than it reads; else by estimate.
    /// </summary>
    /// <value>32 to 4096; 200 unless set.</value>
    public int ChunkTokens { get; set; } = 200;

    /// <summary>How many tokens at the end of a passage the next one of the same section repeats, at most.</summary>
    /// <value>0 to half of <see cref="ChunkTokens"/>; 30 unless set.</value>
    public int ChunkOverlapTokens { get; set; } = 30;

    /// <summary>Larger documents are reported and skipped.</summary>
    /// <value>1 KiB to 1 GiB; 16 MiB unless set.</value>
    public long MaxDocumentBytes { get; set; } = 16 << 20;

    /// <summary>
    /// The most bytes that the compressed parts of one document may unpack to. A document past it is reported and
    /// skipped.
    /// </summary>
    /// <value>1 MiB to 2 GiB; 256 MiB unless set.</value>
    public long MaxExpandedBytes { get; set; } = 256 << 20;

    /// <summary>How deep the parts of one document may be nested: elements, archives (each counts four).</summary>
    /// <value>1 to 10,000; 256 unless set.</value>
    public int MaxNesting { get; set; } = 256;

    /// <summary>The longest that reading one document may take; one that takes longer is reported and
    /// skipped.</summary>
    /// <value>100 ms to 1 hour; 20 seconds unless set.</value>
    public TimeSpan DocumentTimeLimit { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Regular expressions of markup that is left out of Markdown text, besides what is known: shortcodes, macros,
    /// tags.
    /// Each is tried on a line at a time, outside code; neither back references nor look-arounds are allowed.
    /// </summary>
    /// <value>None unless set; at most 64.</value>
    public IList<string> MarkupPatterns { get; } = [];

    /// <summary>
    /// Files of folders that are read, as in <c>.gitignore</c>: <c>*.md</c> anywhere, <c>/guide/**</c> from the top.
    /// Empty
    /// for all that a reader takes.
    /// </summary>
    public IList<string> Include { get; } = [];

    /// <summary>
    /// Files and folders of folders that are left out, as in <c>.gitignore</c>; a later one that starts with <c>!</c>
    /// takes
    /// back in. Hidden files and folders are left out besides.
    /// </summary>
    /// <value><c>node_modules/</c> unless set.</value>
    public IList<string> Exclude { get; } = ["node_modules/"];

    /// <summary>
    /// How often files whose size and times have not changed are compared by content. A file is read for it, not
    /// indexed.
    /// </summary>
    /// <value>Zero for never, or 1 second to 30 days; 1 hour unless set.</value>
    public TimeSpan ContentCheckInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long the text of deleted and replaced documents may stay in the index file. It is erased by writing the file
    /// anew; sooner when <see cref="MaxDeadShare"/> of the file is of no use.
    /// </summary>
    /// <value>1 minute to 365 days; 24 hours unless set.</value>
    public TimeSpan EraseAfter { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// The share of the index file that may hold what is deleted or replaced before the next look at unchanged sources
    /// writes the file anew.
    /// </summary>
    /// <value>0.05 to 1; 0.25 unless set.</value>
    public double MaxDeadShare { get; set; } = 0.25;

    /// <summary>The most passages of one index; a document that would pass it is reported and skipped.</summary>
    /// <value>1 to 100,000,000; 10,000,000 unless set.</value>
    public long MaxPassages { get; set; } = 10_000_000;

    /// <summary>The most documents and bytes of text, where documents are kept by scope.</summary>
    internal (long Documents, long Bytes) Most { get; private set; } = (long.MaxValue, long.MaxValue);

    /// <summary>How often the sources are looked at for changes.</summary>
    /// <value>100 ms to 1 day, or zero for never; 5 seconds unless set.</value>
    public TimeSpan RescanInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many passages go into one call of the embedding generator.</summary>
    /// <value>1 to 2048; 64 unless set.</value>
    public int EmbeddingBatchSize { get; set; } = 64;

    /// <summary>How many such calls run at once.</summary>
    /// <value>1 to 64; 2 unless set.</value>
    public int EmbeddingParallelism { get; set; } = 2;

    /// <summary>
    /// Whether semantics are learnt from the documents (latent semantic analysis), for the tier <c>RagTier.Local</c>.
    /// </summary>
    /// <value>True unless set.</value>
    public bool Learn { get; set; } = true;

    /// <summary>How many threads learning may use.</summary>
    /// <value>1 to 64; 2 unless set.</value>
    public int LearnThreads { get; set; } = 2;

    /// <summary>How soon the weight of a repeated word stops growing (k1 of BM25).</summary>
    /// <value>0 to 10; 1.2 unless set.</value>
    public float Bm25K1 { get; set; } = 1.2f;

    /// <summary>How much long passages are held back (b of BM25).</summary>
    /// <value>0 to 1; 0.75 unless set.</value>
    public float Bm25B { get; set; } = 0.75f;

    /// <summary>How text becomes terms: English, and the languages that the host added.</summary>
    /// <remarks>A method: as a property the configuration would be bound to it.</remarks>
    internal TextAnalysis GetAnalysis() => _analysis;

    /// <summary>Adds a language beside English.</summary>
    internal void Add(ILanguageAnalyzer language) => _analysis = _analysis.With(language);

    /// <summary>These settings for the index file of one scope.</summary>
    internal CoachRagOptions ForScope(string file, long maxDocuments, long maxBytes)
    {
        var options = (CoachRagOptions)MemberwiseClone();
        options.IndexFile = file;
        options.Knowledge = null;
        options.Most = (maxDocuments, maxBytes);
        return options;
    }
}
