namespace Coach.Rag;

/// <summary>Why a document was not taken: skipped on purpose, or refused because it cannot be read.</summary>
public enum DocumentRefusal
{
    /// <summary>It could not be read, for a reason that is in the message.</summary>
    Unreadable,

    /// <summary>No reader takes files of its kind.</summary>
    NoReader,

    /// <summary>A pattern of the settings leaves it out.</summary>
    Excluded,

    /// <summary>It is hidden: its name, or that of a folder above it, starts with a dot, or the system says
    /// so.</summary>
    Hidden,

    /// <summary>It is a link that leads out of the folder of documents.</summary>
    LinkOutside,

    /// <summary>It is a link that leads to itself, to a folder above it, to one that is read already, or to
    /// nothing.</summary>
    LinkLoop,

    /// <summary>It is a pipe, a socket or a device: only regular files are opened.</summary>
    NotAFile,

    /// <summary>It has no content, or none with words.</summary>
    Empty,

    /// <summary>It is larger than a limit allows, as it is or when it is unpacked.</summary>
    TooLarge,

    /// <summary>It is nested deeper than a limit allows.</summary>
    TooDeep,

    /// <summary>Reading it took longer than a limit allows.</summary>
    TooSlow,

    /// <summary>It is encrypted, and there is no password.</summary>
    Encrypted,

    /// <summary>It holds pictures of text only.</summary>
    Scanned,

    /// <summary>It is damaged, or not what its name says.</summary>
    Damaged,

    /// <summary>It is binary, not text.</summary>
    Binary,

    /// <summary>It, or the folder it is in, may not be read.</summary>
    Forbidden,

    /// <summary>The index is full.</summary>
    IndexFull,
}
