using Microsoft.Extensions.Options;

namespace Coach.Observability.Containers;

/// <summary>
/// The container's figures, read at most once per <see cref="CoachObservabilityOptions.ReadingMaxAge"/>.
/// </summary>
internal sealed class ContainerMonitor
{
    private readonly Cached<ContainerReading> _reading;

    public ContainerMonitor(IOptions<CoachObservabilityOptions> options, TimeProvider time)
    {
        var reader = new CgroupReader(options.Value.FileSystemRoot);
        _reading = new Cached<ContainerReading>(reader.Read, options.Value.ReadingMaxAge, time);
    }

    public ContainerReading Read() => _reading.Get();
}
