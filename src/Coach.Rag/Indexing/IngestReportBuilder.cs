namespace Coach.Rag.Indexing;

/// <summary>Counts while documents are read, and tells how far that has come.</summary>
internal sealed class IngestReportBuilder(IProgress<IngestProgress>? progress)
{
    private const int MaxFailures = 1000;
    private const int ReportEvery = 256;

    private readonly List<IngestFailure> _failures = [];
    private int _seen;

    public int Added { get; set; }

    public int Updated { get; set; }

    public int Unchanged { get; set; }

    public int Removed { get; set; }

    public int Passages { get; set; }

    /// <summary>New and changed documents that are in the index by now.</summary>
    public int Committed { get; set; }

    /// <summary>Counts a document that was looked at; tells the progress now and then.</summary>
    public void CountSeen()
    {
        if (++_seen % ReportEvery == 0)
        {
            ReportProgress();
        }
    }

    public void ReportProgress() => progress?.Report(new IngestProgress(_seen, Passages, Committed));

    /// <summary>Notes a document that was skipped; only the first thousand are listed.</summary>
    public void AddFailure(string id, string reason)
    {
        if (_failures.Count < MaxFailures)
        {
            _failures.Add(new IngestFailure(id, reason));
        }
    }

    public IngestReport Build() => new(Added, Updated, Unchanged, Removed, _failures);
}
