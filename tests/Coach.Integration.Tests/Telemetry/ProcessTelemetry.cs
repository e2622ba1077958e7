namespace Coach.Integration.Tests.Telemetry;

/// <summary>
/// Tests that count spans: activity sources belong to the process, so the hosts of other tests must not run beside them.
/// </summary>
[CollectionDefinition(nameof(ProcessTelemetry), DisableParallelization = true)]
public sealed class ProcessTelemetry;
