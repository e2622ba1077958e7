using Memo.Evaluation;

namespace Memo.Jobs;

/// <summary>What an evaluation that ended has cost, until it is in the books.</summary>
internal sealed record Settlement(
    string EvaluationId, string UserId, DateTimeOffset ReservedAt, long ReservedMicro, IReadOnlyList<ModelCall> Calls);
