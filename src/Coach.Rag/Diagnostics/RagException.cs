using System.Globalization;
using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>
/// Reports that the index file, an embedding provider or a model folder failed; never the caller's own mistake.
/// </summary>
public sealed class RagException : CoachException
{
    private RagException(RagError error, string message, Exception? inner = null)
        : base(CodeOf(error), message, inner) => Error = error;

    /// <summary>What went wrong, for code to switch on.</summary>
    public RagError Error { get; }

    /// <summary>Why a document was not taken.</summary>
    /// <value>Null unless <see cref="Error"/> is <see cref="RagError.DocumentRefused"/>.</value>
    public DocumentRefusal? Refusal { get; private init; }

    /// <inheritdoc />
    public override bool IsTransient =>
        Error is RagError.IndexUnavailable or RagError.IndexBusy or RagError.IndexFull or RagError.EmbeddingFailed
            or RagError.TimedOut;

    /// <summary>Whether the index is whole, but of a format that this version does not read.</summary>
    internal bool IsOtherVersion { get; private init; }

    /// <summary>For packages that bring embedding models: a folder that holds none that can be used.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="what">What is wrong with it, in words that start in lower case; no content of its files.</param>
    /// <param name="innerException">What was caught; null when nothing was.</param>
    /// <returns>The exception to throw: <see cref="RagError.ModelInvalid"/>.</returns>
    public static RagException ModelInvalid(string folder, string what, Exception? innerException = null) => new(
        RagError.ModelInvalid,
        $"Model folder '{folder}': {what}. Download the model again, or choose another one.",
        innerException);

    /// <summary>For readers: a document that cannot be taken.</summary>
    /// <param name="refusal">Why.</param>
    /// <param name="what">
    /// What is wrong with it and what to do, in words that go on after "The document" and have no full stop; no
    /// document text and no full path.
    /// </param>
    /// <param name="innerException">What was caught; null when nothing was.</param>
    /// <returns>The exception to throw: <see cref="RagError.DocumentRefused"/>.</returns>
    public static RagException DocumentRefused(
        DocumentRefusal refusal, string what, Exception? innerException = null) =>
        new(RagError.DocumentRefused, $"The document {what}.", innerException) { Refusal = refusal };

    internal static RagException IndexCorrupt(string index, string what, Exception? inner = null) => new(
        RagError.IndexCorrupt,
        $"{ErrorCodes.IndexCorrupt}: index '{index}' {what}. "
        + "Restore it from a copy, or delete it and index the sources again.",
        inner);

    internal static RagException IndexVersion(string index, int found, int supported) => new(
        RagError.IndexCorrupt,
        string.Create(
            CultureInfo.InvariantCulture, $"{ErrorCodes.IndexCorrupt}: index '{index}' has format version {found}; ")
        + string.Create(CultureInfo.InvariantCulture, $"this version of Coach.Rag reads version {supported} and older ones. ")
        + "Delete the file and index the sources again, or use the version of Coach.Rag that wrote it.")
    {
        IsOtherVersion = true,
    };

    internal static RagException IndexNotKept(RagException why) => new(
        why.Error,
        $"{why.Message} Until then the index is kept in memory and is lost when the app ends.",
        why);

    internal static RagException IndexUnavailable(string index, string what, Exception? inner = null) => new(
        RagError.IndexUnavailable,
        $"Index '{index}' {what}. Check the path and its permissions, then try again.",
        inner);

    internal static RagException IndexBusy(string index, string what, Exception? inner = null) => new(
        RagError.IndexBusy,
        $"Index '{index}' {what}. Only one writer works on an index at a time; try again when it has finished.",
        inner);

    internal static RagException ScopeOpenElsewhere(string file, Exception inner) => new(
        RagError.IndexBusy,
        $"Scope file '{file}' is open in another process. One process at a time keeps the documents of a scope: send "
        + "its questions there, or stop that process; it also lets go of a scope that is idle for CloseAfter.",
        inner);

    internal static RagException ScopesInUse(int most, TimeSpan limit) => new(
        RagError.IndexBusy,
        string.Create(
            CultureInfo.InvariantCulture,
            $"No scope could be opened within {limit.TotalSeconds:0.###} s: {most} are open and in use. ")
        + "Try again, or raise Coach:Rag:Scopes:MaxOpen.");

    internal static RagException ScopeInUse(string file, TimeSpan limit) => new(
        RagError.IndexBusy,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Scope file '{file}' is in use for more than {limit.TotalSeconds:0.###} s. Try again later."));

    internal static RagException ScopeRemoved(string file) => new(
        RagError.IndexUnavailable,
        $"Scope file '{file}' was removed with its documents. Open the scope again to start anew.");

    internal static RagException IndexReadOnly(string index, Exception? inner = null) => new(
        RagError.IndexReadOnly,
        $"Index '{index}' cannot be written: the file, its folder or its volume is read-only. "
        + "What was committed before is intact.",
        inner);

    internal static RagException IndexFull(string index, Exception? inner = null) => new(
        RagError.IndexFull,
        $"Index '{index}' cannot grow: the volume is full. "
        + "What was committed before is intact; free some space and try again.",
        inner);

    internal static RagException EmbedderMismatch(string index, string stored, string registered) => new(
        RagError.EmbedderMismatch,
        $"Index '{index}' holds vectors of '{stored}', but '{registered}' is registered; "
        + $"vectors of two embedders cannot be compared. Register '{stored}' again, "
        + "or call EmbedAsync(replaceOthers: true) to embed the stored text anew.");

    internal static RagException EmbedderDimension(string index, string embedder, int stored, int found) => new(
        RagError.EmbedderMismatch,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Index '{index}' holds vectors of '{embedder}' with {stored} dimensions, but it answers with {found} dimensions")
        + string.Create(
            CultureInfo.InvariantCulture,
            $" now; the two cannot be compared. Set it to {stored} dimensions again, ")
        + "or call EmbedAsync(replaceOthers: true) to embed the stored text anew.");

    internal static RagException AnalyserMismatch(string index, string stored, string current) => new(
        RagError.AnalyserMismatch,
        $"Index '{index}' holds terms of the analysis '{stored}', "
        + $"but this version of Coach.Rag asks with those of '{current}'. "
        + "They are made anew from the stored text in the background, or by the next change; "
        + "the file must be writable for that.");

    internal static RagException EmbeddingFailed(string embedder, string what, Exception? inner = null) => new(
        RagError.EmbeddingFailed,
        $"Embedder '{embedder}' {what}. Passages without vectors are found by words and learnt semantics meanwhile; "
        + "embedding is tried again.",
        inner);

    internal static RagException EmbeddingTimedOut(string embedder, TimeSpan limit) => new(
        RagError.TimedOut,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Embedder '{embedder}' did not answer within {limit.TotalSeconds:0.###} s. ")
        + "Raise the limit, or send smaller batches.");

    private static string CodeOf(RagError error) => error switch
    {
        RagError.IndexCorrupt => ErrorCodes.IndexCorrupt,
        RagError.DocumentRefused => ErrorCodes.DocumentRefused,
        RagError.EmbedderMismatch or RagError.ModelInvalid => ErrorCodes.RequestInvalid,
        RagError.EmbeddingFailed => ErrorCodes.ProviderFailed,
        RagError.TimedOut => ErrorCodes.ProviderTimeout,
        _ => ErrorCodes.IndexUnavailable,
    };
}
