namespace Processor.Protocol;

/// <summary>Which generation of frames a connection speaks; its first frame tells.</summary>
internal enum Generation
{
    /// <summary>Not told yet.</summary>
    Unknown,

    /// <summary><c>RunOpen</c> … <c>RunResult</c>, with <c>content</c>.</summary>
    Older,

    /// <summary><c>Request</c> … <c>Response</c>, with <c>control</c> and <c>data</c>.</summary>
    Newer,
}

/// <summary>What a connection is to its run.</summary>
internal enum ConnectionRole
{
    /// <summary>Brings the inputs, reads, and may control.</summary>
    Client,

    /// <summary>Reads and controls.</summary>
    Controller,

    /// <summary>Reads.</summary>
    Observer,
}
