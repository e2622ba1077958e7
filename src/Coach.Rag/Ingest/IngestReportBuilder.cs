namespace Coach.Rag;

/// <summary>Counts while documents are read.</summary>
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

    public int Committed { get; set; }

    public void Saw()
    {
        if (++_seen % ReportEvery == 0)
        {
            Tell();
        }
    }

    public void Tell() => progress?.Report(new IngestProgress(_seen, Passages, Committed));

    public void Fail(string id, string reason)
    {
        if (_failures.Count < MaxFailures)
        {
            _failures.Add(new IngestFailure(id, reason));
        }
    }

    public IngestReport Report() => new(Added, Updated, Unchanged, Removed, _failures);
}
