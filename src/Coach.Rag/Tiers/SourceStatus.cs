using Coach.Rag.Indexing;

namespace Coach.Rag.Tiers;

/// <summary>What the last reading of the registered sources says about them.</summary>
internal sealed class SourceStatus(KnowledgeBase knowledge)
{
    private const int MaxNames = 3;

    /// <summary>A source that could not be listed, as a sentence; null when all could.</summary>
    public string? Unlisted
    {
        get
        {
            IngestFailure? failed = knowledge.Skipped.FirstOrDefault(
                f => knowledge.Sources.Any(source => source.Name == f.Id));
            return failed is null ? null : $"Source '{failed.Id}' failed. {failed.Reason}";
        }
    }

    /// <summary>How far reading has come, as <c> (x of y)</c>; empty when nothing is being read.</summary>
    public string Progress => knowledge.Reading is { } reading ? $" ({reading})" : "";

    /// <summary>What the sources failed at, as a sentence; null when nothing did.</summary>
    public string? Failure
    {
        get
        {
            IReadOnlyCollection<IngestFailure> skipped = knowledge.Skipped;
            if (Unlisted is { } unlisted)
            {
                return unlisted;
            }

            return knowledge.Sources.Count > 0 && skipped.FirstOrDefault() is { } first
                ? $"Of {skipped.Count} documents from {Names} none could be taken. The first is '{first.Id}': {first.Reason}"
                : null;
        }
    }

    /// <summary>Why an index whose sources have been read holds nothing.</summary>
    public (DegradationReason Reason, string Message) WhyEmpty()
    {
        if (knowledge.Sources.Count == 0)
        {
            const string Message = "The index holds no documents. Add some, or set Coach:Rag:Knowledge.";
            return (DegradationReason.NotConfigured, Message);
        }

        return Failure is { } failure
            ? (DegradationReason.SourceFailed, failure)
            : (DegradationReason.NotReady, $"No documents came from {Names} so far.");
    }

    private string Names
    {
        get
        {
            string names = string.Join(", ", knowledge.Sources.Take(MaxNames).Select(source => $"'{source.Name}'"));
            return knowledge.Sources.Count > MaxNames
                ? $"{names} and {knowledge.Sources.Count - MaxNames} more"
                : names;
        }
    }
}
