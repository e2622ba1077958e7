namespace Coach.Rag.Indexing;

/// <summary>Counts while documents are read, and tells how far that has come.</summary>
internal sealed class IngestReportBuilder(IProgress<IngestProgress>? progress)
{
    private const int MaxListed = 1000;
    private const int ReportEvery = 256;

    private readonly List<IngestFailure> _failed = [];
    private readonly List<IngestFailure> _skipped = [];
    private readonly List<IngestFailure> _guessed = [];
    private readonly Dictionary<DocumentRefusal, int> _failedBy = [];
    private readonly Dictionary<DocumentRefusal, int> _skippedBy = [];
    private readonly Dictionary<string, int> _kinds = new(StringComparer.Ordinal);
    private int _seen;
    private int _listed;
    private bool _isListed = true;

    public int Added { get; set; }

    public int Updated { get; set; }

    public int Unchanged { get; set; }

    public int Removed { get; set; }

    public int Passages { get; set; }

    /// <summary>New and changed documents that are in the index by now.</summary>
    public int Committed { get; set; }

    /// <summary>How far reading has come.</summary>
    public KnowledgeReading Reading
    {
        get
        {
            int seen = Volatile.Read(ref _seen);
            int? total = Volatile.Read(ref _isListed) ? Volatile.Read(ref _listed) : null;
            return new KnowledgeReading(seen, total);
        }
    }

    /// <summary>Notes how many documents a source has; null for one that cannot say.</summary>
    public void Expect(int? documents)
    {
        Volatile.Write(ref _listed, _listed + (documents ?? 0));
        Volatile.Write(ref _isListed, _isListed && documents is not null);
    }

    /// <summary>Notes documents that were found within another.</summary>
    public void ExpectMore(int documents)
    {
        if (_listed > 0)
        {
            Volatile.Write(ref _listed, _listed + documents);
        }
    }

    /// <summary>Counts a document that was looked at; tells the progress now and then.</summary>
    public void CountSeen()
    {
        Volatile.Write(ref _seen, _seen + 1);
        if (_seen % ReportEvery == 0)
        {
            ReportProgress();
        }
    }

    public void ReportProgress() => progress?.Report(new IngestProgress(_seen, Passages, Committed));

    /// <summary>Notes a document that was not taken; of each kind only the first thousand are listed.</summary>
    public void Add(IngestFailure failure)
    {
        bool isSkipped = IsSkipped(failure.Refusal);
        List<IngestFailure> list = isSkipped ? _skipped : _failed;
        Dictionary<DocumentRefusal, int> counts = isSkipped ? _skippedBy : _failedBy;
        counts[failure.Refusal] = counts.GetValueOrDefault(failure.Refusal) + 1;
        if (failure.Refusal == DocumentRefusal.NoReader)
        {
            string kind = Documents.FolderSource.KindOf(failure.Id);
            _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;
        }

        if (list.Count < MaxListed)
        {
            list.Add(failure);
        }
    }

    public void AddFailure(string id, string reason, DocumentRefusal refusal = DocumentRefusal.Unreadable) =>
        Add(new IngestFailure(id, reason) { Refusal = refusal });

    /// <summary>Notes what had to be guessed of a document.</summary>
    public void AddGuess(string id, string note)
    {
        if (_guessed.Count < MaxListed)
        {
            _guessed.Add(new IngestFailure(id, $"The document {note}."));
        }
    }

    public IngestReport Build() =>
        new(Added, Updated, Unchanged, Removed, _failed) { Skipped = _skipped, Guessed = _guessed };

    /// <summary>The account of all that was looked at.</summary>
    public KnowledgeAccount Account(DateTimeOffset at) => new(Added + Updated + Unchanged, _skippedBy, _failedBy)
    {
        Skipped = _skipped,
        Failed = _failed,
        Guessed = _guessed,
        Kinds = _kinds,
        At = at,
    };

    // What nobody expected to be read, next to what should have been.
    private static bool IsSkipped(DocumentRefusal refusal) => refusal is DocumentRefusal.NoReader
        or DocumentRefusal.Excluded
        or DocumentRefusal.Hidden or DocumentRefusal.LinkOutside or DocumentRefusal.LinkLoop or DocumentRefusal.NotAFile
        or DocumentRefusal.Empty;
}
