namespace Coach.Abstractions;

/// <summary>
/// Where a job stands. It moves down this list and never back, but for a lease that ends: then it is queued again.
/// </summary>
public enum JobState
{
    /// <summary>It waits for a worker.</summary>
    Queued,

    /// <summary>A worker holds its lease.</summary>
    Running,

    /// <summary>It ended well.</summary>
    Done,

    /// <summary>It ended with an error code.</summary>
    Failed,

    /// <summary>It was cancelled before it ended.</summary>
    Cancelled,
}
