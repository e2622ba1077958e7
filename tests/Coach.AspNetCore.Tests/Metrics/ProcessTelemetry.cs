namespace Coach.AspNetCore.Tests.Metrics;

/// <summary>
/// Tests that compare a page's series as a whole: meters are known by their name to the whole process, so the hosts of other
/// tests must not count beside them.
/// </summary>
[CollectionDefinition(nameof(ProcessTelemetry), DisableParallelization = true)]
public sealed class ProcessTelemetry;
