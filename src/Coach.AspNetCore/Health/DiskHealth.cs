using System.Globalization;
using Coach.Abstractions;
using Coach.Rag;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Health;

/// <summary>Whether the disk that holds the index has room: <c>disk</c>.</summary>
internal sealed class DiskHealth(
    IOptions<CoachRagOptions> options, Func<string, long>? freeBytes = null) : IComponentHealth
{
    internal const long Low = 256L << 20;

    private readonly Func<string, long> _freeBytes = freeBytes ?? FreeBytes;

    public string Name => "disk";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        if (options.Value.IndexFile is not { Length: > 0 } file)
        {
            return Report(ComponentState.Healthy, "The index is kept in memory.");
        }

        long free;
        try
        {
            free = _freeBytes(Path.GetDirectoryName(Path.GetFullPath(file))!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Report(ComponentState.Degraded, "How much room is left for the index is not known.");
        }

        string room = string.Create(CultureInfo.InvariantCulture, $"{free >> 20} MB are left for the index");
        return free < Low
            ? Report(ComponentState.Degraded, room + "; documents that change may not be kept. Make room.")
            : Report(ComponentState.Healthy, room + ".");
    }

    // A folder that is not made yet is on its parent's disk.
    private static long FreeBytes(string folder)
    {
        string existing = folder;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        return new DriveInfo(existing).AvailableFreeSpace;
    }

    private static ValueTask<ComponentReport> Report(ComponentState state, string text) =>
        ValueTask.FromResult(new ComponentReport(state, text));
}
