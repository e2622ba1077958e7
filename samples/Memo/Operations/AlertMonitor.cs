using System.Globalization;
using System.Net.Http.Json;
using Memo.Configuration;
using Memo.Data;
using Memo.Http;

namespace Memo.Operations;

/// <summary>Holds figures against thresholds, and tells an Alertmanager, each alert once in its cool-down.</summary>
internal sealed class AlertMonitor(
    SettingsStore settings, Figures figures, DataFolder folder, IHttpClientFactory clients, TimeProvider time,
    ILogger<AlertMonitor> logger)
{
    public const string ClientName = "alerts";

    private readonly Dictionary<string, DateTimeOffset> _told = new(StringComparer.Ordinal);
    private (TimeSpan Cpu, long At)? _last;

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        AlertSettings limits = settings.Current.Alerts;
        DateTimeOffset now = time.GetUtcNow();
        foreach ((string name, double value, double limit) in Values(limits))
        {
            bool isDue = !_told.TryGetValue(name, out DateTimeOffset told) || now - told >= limits.CoolDown;
            if (value > limit && isDue)
            {
                _told[name] = now;
                logger.LogWarning("{Alert} is {Value:0.#}, above its threshold of {Limit:0.#}", name, value, limit);
                await TellAsync(limits.Webhook, name, value, limit, now, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private IEnumerable<(string Name, double Value, double Limit)> Values(AlertSettings limits)
    {
        (double seconds, double errors) = figures.Recent();
        yield return ("MemoSlow", seconds, limits.Seconds);
        yield return ("MemoErrors", errors, limits.ErrorPercent);
        yield return ("MemoCpu", CpuPercent(), limits.CpuPercent);
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        yield return (
            "MemoMemory", 100.0 * Environment.WorkingSet / Math.Max(1, memory.TotalAvailableMemoryBytes),
            limits.MemoryPercent);
        var disk = new DriveInfo(folder.Path);
        yield return (
            "MemoDisk", 100.0 * (disk.TotalSize - disk.AvailableFreeSpace) / Math.Max(1, disk.TotalSize),
            limits.DiskPercent);
    }

    private double CpuPercent()
    {
        TimeSpan used = Environment.CpuUsage.TotalTime;
        long now = time.GetTimestamp();
        double share = _last is { } last && time.GetElapsedTime(last.At, now) is { Ticks: > 0 } passed
            ? (used - last.Cpu) / passed / Environment.ProcessorCount
            : 0;
        _last = (used, now);
        return 100 * share;
    }

    private async Task TellAsync(
        Uri? webhook, string name, double value, double limit, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (webhook is null)
        {
            return;
        }

        var alert = new
        {
            labels = new { alertname = name, service = "memo", severity = "warning" },
            annotations = new
            {
                summary = string.Create(CultureInfo.InvariantCulture, $"{name} is {value:0.#}, above {limit:0.#}"),
            },
            startsAt = now,
        };
        try
        {
            using HttpClient client = clients.CreateClient(ClientName);
            using HttpResponseMessage response = await client.PostAsJsonAsync(webhook, new[] { alert }, cancellationToken)
                .ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
        }
        catch (HttpRequestException exception)
        {
            logger.LogWarning("The alert {Alert} could not be told: {Reason}", name, exception.HttpRequestError);
        }
    }
}
