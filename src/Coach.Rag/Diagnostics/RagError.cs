namespace Coach.Rag;

/// <summary>Why Coach.Rag could not do what it was asked.</summary>
public enum RagError
{
    /// <summary>The index file is damaged, foreign, or of another format version.</summary>
    IndexCorrupt,

    /// <summary>The index file vanished or cannot be read or written just now.</summary>
    IndexUnavailable,

    /// <summary>Another writer holds the index, or committed first.</summary>
    IndexBusy,

    /// <summary>The index file, its folder or its volume does not accept writes.</summary>
    IndexReadOnly,

    /// <summary>The volume that holds the index file is full.</summary>
    IndexFull,

    /// <summary>The index was built with another embedder, or with vectors of another dimension.</summary>
    EmbedderMismatch,

    /// <summary>The embedding provider failed, or answered with something that is no embedding.</summary>
    EmbeddingFailed,

    /// <summary>One of Coach.Rag's own time limits passed.</summary>
    TimedOut,

    /// <summary>A model folder is incomplete, damaged, or of a kind that is not supported.</summary>
    ModelInvalid,

    /// <summary>The index's terms were made by another analysis of text than this version's.</summary>
    AnalyserMismatch,

    /// <summary>A document was not taken; <see cref="RagException.Refusal"/> says why.</summary>
    DocumentRefused,
}
