using System.Globalization;

namespace Memo.Jobs;

/// <summary>One evaluation as the database has it.</summary>
internal sealed record EvaluationRecord
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Done = "done";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string Status { get; init; }

    public required string Text { get; init; }

    public string? Upload { get; init; }

    public required bool IsMock { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public int Attempts { get; init; }

    /// <summary>A fencing token: higher with each time the job is taken.</summary>
    public long Token { get; init; }

    public string? Result { get; init; }

    public string? ErrorCode { get; init; }

    public string? ErrorMessage { get; init; }

    public long CostMicro { get; init; }

    /// <summary>What is set aside for it while it waits and runs; 0 in mock mode.</summary>
    public long ReservedMicro { get; init; }

    public bool HasEnded => Status is Done or Failed or Cancelled;

    /// <summary>How long it took, from its start to its end; 0 before.</summary>
    public double Seconds => StartedAt is { } start && EndedAt is { } end
        ? Math.Max(0, Math.Round((end - start).TotalSeconds, 3))
        : 0;

    /// <summary>An id that sorts by the time of its making and says nothing else.</summary>
    public static string NewId(DateTimeOffset now) =>
        Guid.CreateVersion7(now).ToString("N", CultureInfo.InvariantCulture);
}
