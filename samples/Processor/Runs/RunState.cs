namespace Processor.Runs;

/// <summary>Where a run stands.</summary>
internal enum RunState
{
    /// <summary>Known by id; no client brought inputs yet.</summary>
    Pending,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Holds before its next token until it is resumed.</summary>
    Paused,

    /// <summary>Asked to stop; it has the grace to do so.</summary>
    Preempted,

    /// <summary>Ended with an answer.</summary>
    Completed,

    /// <summary>Ended with an error.</summary>
    Error,
}
