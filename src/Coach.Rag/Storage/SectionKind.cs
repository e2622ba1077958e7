namespace Coach.Rag;

/// <summary>What a section of a segment holds. The numbers are part of the file format: they are never renamed or reused.</summary>
internal enum SectionKind
{
    /// <summary>Document table: ids, sources, hashes, metadata.</summary>
    Documents = 1,

    /// <summary>Passage table: document, character range, heading path.</summary>
    Passages = 2,

    /// <summary>The documents' text.</summary>
    Text = 3,

    /// <summary>Metadata values for filters.</summary>
    Metadata = 4,

    /// <summary>Lexical dictionary.</summary>
    Terms = 16,

    /// <summary>Lexical postings.</summary>
    Postings = 17,

    /// <summary>Passage lengths and other per-row lexical figures.</summary>
    LexicalRows = 18,

    /// <summary>Positions, or anything else the lexical engine adds.</summary>
    LexicalExtra = 19,

    /// <summary>The identity of the analysis that made the terms, in UTF-8.</summary>
    Analyser = 20,

    /// <summary>Provider embeddings: what the dense engine scans (header, scales, int8 rows).</summary>
    DenseCodes = 32,

    /// <summary>Provider embeddings: float32 unit vectors for rescoring.</summary>
    DenseVectors = 33,

    /// <summary>Provider embeddings: which embedder they are from, and for which segment's rows.</summary>
    DenseExtra = 34,

    /// <summary>Provider embeddings: which rows have no vector yet, when some have none.</summary>
    DenseMissing = 35,

    /// <summary>Latent arm: scanned codes.</summary>
    LatentCodes = 48,

    /// <summary>Latent arm: float32 unit vectors.</summary>
    LatentVectors = 49,

    /// <summary>Latent arm: the model (term vectors, weights).</summary>
    LatentModel = 50,

    /// <summary>Latent arm: anything else.</summary>
    LatentExtra = 51,
}
