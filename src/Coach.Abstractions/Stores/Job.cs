namespace Coach.Abstractions;

/// <summary>A piece of work that outlives its request: what is asked, who asked, and where it stands.</summary>
public sealed record Job
{
    /// <summary>
    /// Its name, chosen by the host: 1 to 64 characters from <c>A–Z a–z 0–9 - _</c>. Enqueuing the same id twice makes
    /// one job.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>The queue, 1 to 64 characters; workers take from one queue.</summary>
    public required string Queue { get; init; }

    /// <summary>Who asked: <see cref="CallerContext.Key"/>.</summary>
    public required string CallerKey { get; init; }

    /// <summary>What to do, in the host's own form; at most 16 MiB.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>When it was enqueued.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Where it stands.</summary>
    public JobState State { get; init; }

    /// <summary>How often a worker took it.</summary>
    public int Attempts { get; init; }

    /// <summary>When a worker took it last; null before.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What came out of it; empty unless done; at most 16 MiB.</summary>
    public ReadOnlyMemory<byte> Result { get; init; }

    /// <summary>Why it failed; null unless failed.</summary>
    public string? ErrorCode { get; init; }
}
