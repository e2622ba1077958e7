namespace Coach.Abstractions;

/// <summary>The right to work on a job until a moment.</summary>
/// <param name="Job">The job as it was when taken.</param>
/// <param name="Token">A fencing token: higher with each lease of the job. A worker whose lease was given to another
/// changes nothing any more.</param>
/// <param name="ExpiresAt">When the job may be given to another worker.</param>
public sealed record JobLease(Job Job, long Token, DateTimeOffset ExpiresAt);
