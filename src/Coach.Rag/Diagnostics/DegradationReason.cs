namespace Coach.Rag;

/// <summary>Why a retrieval was not answered by a better tier.</summary>
public enum DegradationReason
{
    /// <summary>The better tier was never set up: no embedding generator, no knowledge.</summary>
    NotConfigured,

    /// <summary>The caller asked for at most this tier.</summary>
    NotRequested,

    /// <summary>
    /// The better tier exists but has nothing to search yet: passages without vectors, semantics not learnt yet,
    /// sources without documents.
    /// </summary>
    NotReady,

    /// <summary>
    /// The embedding generator failed, or answered with what is no vector or says nothing: zeros, or the same for all
    /// passages.
    /// </summary>
    EmbeddingFailed,

    /// <summary>The embedding generator did not answer within its time limit.</summary>
    EmbeddingTimedOut,

    /// <summary>The embedding generator failed often enough that it is left alone for a while.</summary>
    CircuitOpen,

    /// <summary>The index was built with another embedding generator, or with vectors of another dimension.</summary>
    EmbedderMismatch,

    /// <summary>The first reading of the documents did not end within the time limit.</summary>
    StillLoading,

    /// <summary>The index cannot be opened or read.</summary>
    IndexUnavailable,

    /// <summary>The index was damaged: its last good commit, or what has been read again so far, answers.</summary>
    IndexDamaged,

    /// <summary>The index was built with another analysis of text; its terms are being made again.</summary>
    AnalyserMismatch,

    /// <summary>A source of documents is set up but cannot be read, or all of its documents were refused.</summary>
    SourceFailed,
}
