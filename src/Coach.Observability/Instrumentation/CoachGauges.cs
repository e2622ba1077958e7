using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.InteropServices;
using Coach.Observability.Containers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Instrumentation;

/// <summary>The gauges of the meter <c>Coach.Observability</c>. What is unknown is left out, never 0.</summary>
internal sealed class CoachGauges : IDisposable
{
    private readonly MeterSource _source;
    private readonly Meter _meter;

    public CoachGauges(
        ContainerMonitor container,
        ProcessMonitor process,
        MemoryPressure pressure,
        HealthStatusPublisher health,
        IOptions<CoachDeploymentOptions> deployment,
        IOptions<CoachObservabilityOptions> options,
        IServiceProvider services)
    {
        _source = new MeterSource(CoachTelemetry.ObservabilityName, services.GetService<IMeterFactory>());
        _meter = _source.Meter;
        _meter.CreateObservableGauge(
            "coach.config.memory_mb",
            () => deployment.Value.MemoryMb,
            null,
            "Memory that one container was given, in megabytes.");
        _meter.CreateObservableGauge(
            "coach.config.max_containers",
            () => deployment.Value.MaxContainers,
            null,
            "The most containers that may run.");

        Optional(
            "coach.container.memory.usage",
            "By",
            "Memory the container uses, page cache included.",
            () => container.Read().UsageBytes);
        Optional(
            "coach.container.memory.working_set",
            "By",
            "Memory the container uses less the file pages the kernel can drop at once.",
            () => container.Read().WorkingSetBytes);
        Optional(
            "coach.container.memory.limit",
            "By",
            "The tightest hard memory limit of the container and the groups above it.",
            () => container.Read().LimitBytes);
        Optional(
            "coach.container.memory.high",
            "By",
            "The tightest memory.high of the container and the groups above it: beyond it the kernel slows it down.",
            () => container.Read().HighBytes);
        Optional(
            "coach.container.memory.utilization",
            null,
            "The share of the tightest memory limit in use, 0 to 1.",
            () => container.Read().Utilization);
        _meter.CreateObservableGauge(
            "coach.container.memory.pressure",
            () => pressure.IsHigh ? 1 : 0,
            null,
            "1 while memory is short and new sessions wait, else 0.");
        _meter.CreateObservableCounter(
            "coach.container.memory.pressure_events", () => pressure.Entered, null, "How often memory pressure began.");
        OptionalCounter(
            "coach.container.cpu.usage", "s", "Processor time the container used.", () => container.Read().CpuSeconds);
        OptionalCounter(
            "coach.container.cpu.throttled",
            "s",
            "Time the container was held back by its processor quota.",
            () => container.Read().ThrottledSeconds);
        Optional(
            "coach.container.cpu.limit",
            null,
            "Processors the tightest quota allows.",
            () => container.Read().CpuLimit);

        _meter.CreateObservableGauge(
            "coach.process.uptime", () => process.Uptime.TotalSeconds, "s", "How long the process has run.");
        _meter.CreateObservableGauge(
            "process.start_time",
            () => process.StartedAtUnixSeconds,
            "s",
            "When the process started, in seconds since 1970-01-01 UTC.");
        _meter.CreateObservableGauge(
            "process.resident_memory", () => process.Read().ResidentBytes, "By", "Resident memory of the process.");
        OptionalCounter("process.cpu", "s", "Processor time the process used.", () => process.Read().CpuSeconds);
        Optional("process.open_fds", null, "Files the process has open.", () => process.Read().OpenFiles);
        Optional("process.max_fds", null, "The most files the process may open.", () => process.Read().MaxFiles);

        Measurement<int> build = BuildInfo(options.Value);
        _meter.CreateObservableGauge(
            "coach.build.info",
            () => build,
            null,
            "1, with the version and commit of the host and the runtime it runs on.");
        _meter.CreateObservableGauge(
            "coach.health.status",
            health.Observe,
            null,
            "How each health check last ended: 1 healthy, 0.5 degraded, 0 unhealthy.");
    }

    /// <summary>Does nothing; resolving this object is what creates the instruments.</summary>
    public void Touch()
    {
    }

    public void Dispose() => _source.Dispose();

    private void Optional<T>(string name, string? unit, string description, Func<T?> read)
        where T : struct
    {
        var one = new OneOrNone<T>(read);
        _meter.CreateObservableGauge(name, one.Observe, unit, description);
    }

    private void OptionalCounter(string name, string? unit, string description, Func<double?> read)
    {
        var one = new OneOrNone<double>(read);
        _meter.CreateObservableCounter(name, one.Observe, unit, description);
    }

    private static Measurement<int> BuildInfo(CoachObservabilityOptions options)
    {
        string full = Assembly.GetEntryAssembly()
            ?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion ?? "unknown";
        int plus = full.IndexOf('+', StringComparison.Ordinal);
        return new Measurement<int>(
            1,
            new("version", options.BuildVersion ?? (plus < 0 ? full : full[..plus])),
            new("commit", options.BuildCommit ?? (plus < 0 ? "unknown" : full[(plus + 1)..])),
            new("runtime", RuntimeInformation.FrameworkDescription));
    }

    /// <summary>An observation that can be absent, without an iterator per scrape.</summary>
    private sealed class OneOrNone<T>(Func<T?> read)
        where T : struct
    {
        private readonly Measurement<T>[] _one = new Measurement<T>[1];

        public Measurement<T>[] Observe()
        {
            if (read() is not { } value)
            {
                return [];
            }

            _one[0] = new Measurement<T>(value);
            return _one;
        }
    }
}
