namespace Coach.Abstractions;

/// <summary>How long a store that replicas share is waited for, and when it is left alone.</summary>
/// <param name="TimeLimit">How long one call may take; more than zero.</param>
/// <param name="FailuresBeforeBreak">After how many failures in a row calls are refused at once; 1 or more.</param>
/// <param name="BreakDuration">How long they are refused until one call tries again; more than zero.</param>
public sealed record StoreLimits(TimeSpan TimeLimit, int FailuresBeforeBreak, TimeSpan BreakDuration);
