using Microsoft.Extensions.Logging;

namespace Coach.Rag.Diagnostics;

/// <summary>Everything Coach.Rag logs. Event ids 3000 to 3999.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information,
        "Knowledge is in step: {Added} added, {Updated} updated, {Removed} removed, {Failed} skipped; "
        + "{Documents} documents, {Passages} passages")]
    public static partial void Synced(
        this ILogger logger, int added, int updated, int removed, int failed, int documents, int passages);

    [LoggerMessage(3001, LogLevel.Warning,
        "Source {Source} could not be listed ({Error}); its documents stay as they were")]
    public static partial void SourceFailed(this ILogger logger, string source, string error);

    [LoggerMessage(3002, LogLevel.Warning,
        "Reading the knowledge sources failed ({Error}); the next try follows in {DelaySeconds} s")]
    public static partial void SyncFailed(this ILogger logger, string error, double delaySeconds);

    [LoggerMessage(3003, LogLevel.Warning, "Retrieval fell from {From} to {To}: {Reason}. {Message}")]
    public static partial void FellBack(
        this ILogger logger, RagTier from, RagTier to, DegradationReason reason, string message);

    [LoggerMessage(3004, LogLevel.Information, "Retrieval is back at {Tier}")]
    public static partial void Recovered(this ILogger logger, RagTier tier);

    [LoggerMessage(3005, LogLevel.Warning, "Document {Id} was skipped: {Reason}")]
    public static partial void DocumentSkipped(this ILogger logger, string id, string reason);

    [LoggerMessage(3008, LogLevel.Information,
        "Learnt semantics from {Passages} passages: {Terms} terms, {Dimensions} dimensions, {Seconds:0.0} s")]
    public static partial void Learnt(this ILogger logger, int passages, int terms, int dimensions, double seconds);

    [LoggerMessage(3009, LogLevel.Warning,
        "Learning semantics from the documents failed ({Error}); BM25 answers alone until the next change")]
    public static partial void LearningFailed(this ILogger logger, string error);

    [LoggerMessage(3010, LogLevel.Warning, "Passages are left without vectors: {Reason}")]
    public static partial void EmbeddingFailed(this ILogger logger, string reason);

    [LoggerMessage(3011, LogLevel.Error, "The index is damaged and is built anew from the sources")]
    public static partial void Rebuilding(this ILogger logger);

    [LoggerMessage(3012, LogLevel.Error,
        "Index {File} is damaged; its last good commit answers until the sources have been read again")]
    public static partial void LastGoodCommit(this ILogger logger, string file);

    [LoggerMessage(3013, LogLevel.Error,
        "The damaged index could not be recovered ({Error}); questions are answered without documents")]
    public static partial void RecoveryFailed(this ILogger logger, RagError error);

    [LoggerMessage(3014, LogLevel.Information,
        "The index's terms were made anew from the stored text: from analysis {Old} to {New}")]
    public static partial void Reanalysed(this ILogger logger, string old, string @new);

    [LoggerMessage(3015, LogLevel.Debug, "Nothing that was relevant enough was found; tier {Tier} worked")]
    public static partial void FoundNothing(this ILogger logger, RagTier tier);

    [LoggerMessage(3016, LogLevel.Information, "Questions are answered at tier {Tier}: {Message}")]
    public static partial void NotConfigured(this ILogger logger, RagTier tier, string message);

    [LoggerMessage(3017, LogLevel.Information,
        "Of the knowledge sources {Read} documents are read; {Skipped} are left out ({SkippedBy}; without a reader: "
        + "{Kinds}), {Failed} failed ({FailedBy}), {Guessed} are read by a guess")]
    public static partial void Accounted(
        this ILogger logger, int read, int skipped, string skippedBy, string kinds, int failed, string failedBy,
        int guessed);

    [LoggerMessage(3018, LogLevel.Information, "Document {Id} was read by a guess: {Reason}")]
    public static partial void DocumentGuessed(this ILogger logger, string id, string reason);

    [LoggerMessage(3019, LogLevel.Information, "Deleted text was erased: the index file was written anew")]
    public static partial void Erased(this ILogger logger);

    [LoggerMessage(3020, LogLevel.Warning,
        "Deleted text could not be erased from the index file ({Error}); it is tried again")]
    public static partial void EraseFailed(this ILogger logger, RagError error);

    [LoggerMessage(3021, LogLevel.Warning, "A scope could not be opened ({Error}): {Message}")]
    public static partial void ScopeFailed(this ILogger logger, RagError error, string message);

    [LoggerMessage(3022, LogLevel.Information, "Scopes can be opened again")]
    public static partial void ScopesRecovered(this ILogger logger);

    [LoggerMessage(3023, LogLevel.Warning, "Scope file {File} was not closed cleanly ({Error})")]
    public static partial void ScopeNotClosed(this ILogger logger, string file, string error);

    [LoggerMessage(3024, LogLevel.Warning,
        "The index could not be merged or compacted ({Error}); its last commit serves, and it is tried again in "
        + "{DelaySeconds} s")]
    public static partial void MergeFailed(this ILogger logger, RagError error, double delaySeconds);

    [LoggerMessage(3025, LogLevel.Warning,
        "Merging has fallen behind: the index has {Segments} segments; adding waits for it, at most {WaitSeconds} s "
        + "a commit")]
    public static partial void MergingIsBehind(this ILogger logger, int segments, double waitSeconds);

    [LoggerMessage(3006, LogLevel.Error,
        "Index file {File} is damaged and was set aside as {Kept}; the documents are read again")]
    public static partial void IndexSetAside(this ILogger logger, string file, string kept);

    [LoggerMessage(3007, LogLevel.Error,
        "Index file {File} cannot be opened ({Error}); the index is kept in memory until the next start")]
    public static partial void IndexInMemory(this ILogger logger, string file, RagError error);

    [LoggerMessage(3050, LogLevel.Warning,
        "A passage scanner failed ({Error}); what it could not judge is withheld until it works again")]
    public static partial void ScanFailed(this ILogger logger, string error);
}
