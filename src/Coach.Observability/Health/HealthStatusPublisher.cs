using System.Diagnostics.Metrics;
using Coach.Observability.Diagnostics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Coach.Observability;

/// <summary>
/// Keeps how each health check last ended, for the gauge <c>coach_health_status{check}</c>, and logs changes. A scrape
/// reads what is kept; it never runs a check.
/// </summary>
public sealed class HealthStatusPublisher : IHealthCheckPublisher
{
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, HealthStatus> _states = new(StringComparer.Ordinal);
    // Replaced as a whole (copy on write): a scrape reads it without the lock.
    private volatile Measurement<double>[] _measurements = [];

    /// <summary>Creates the publisher.</summary>
    /// <param name="logger">Where changes are logged.</param>
    /// <exception cref="ArgumentNullException"><paramref name="logger"/> is null.</exception>
    public HealthStatusPublisher(ILogger<HealthStatusPublisher> logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        _logger = logger;
    }

    /// <summary>Takes a report over. Checks that it does not name keep their last state.</summary>
    /// <param name="report">The report.</param>
    /// <param name="cancellationToken">Not used: nothing is waited for.</param>
    /// <returns>A finished task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="report"/> is null.</exception>
    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(report);
        lock (_gate)
        {
            bool changed = false;
            foreach ((string name, HealthReportEntry entry) in report.Entries)
            {
                bool isNew = !_states.TryGetValue(name, out HealthStatus before);
                if (!isNew && before == entry.Status)
                {
                    continue;
                }

                changed = true;
                _states[name] = entry.Status;
                if (entry.Status == HealthStatus.Healthy)
                {
                    if (!isNew)
                    {
                        _logger.HealthBetter(name, entry.Status.ToString());
                    }
                }
                else
                {
                    _logger.HealthWorse(name, entry.Status.ToString(), Text(entry));
                }
            }

            if (changed)
            {
                _measurements =
                [
                    .. _states.Select(state => new Measurement<double>(
                        Value(state.Value), new KeyValuePair<string, object?>("check", state.Key))),
                ];
            }
        }

        return Task.CompletedTask;
    }

    internal IEnumerable<Measurement<double>> Observe() => _measurements;

    // The framework puts the message of an exception into the description.
    private static string Text(HealthReportEntry entry) =>
        entry.Exception is not null ? "the check failed" : entry.Description ?? "no description";

    private static double Value(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => 1,
        HealthStatus.Degraded => 0.5,
        _ => 0,
    };
}
