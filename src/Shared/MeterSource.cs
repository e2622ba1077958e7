using System.Diagnostics.Metrics;

namespace Coach;

/// <summary>
/// A package's meter: the host's where it has an <see cref="IMeterFactory"/>, which then owns it, else one of its own.
/// </summary>
internal sealed class MeterSource : IDisposable
{
    private readonly bool _isOwned;

    public MeterSource(string name, IMeterFactory? factory)
    {
        _isOwned = factory is null;
        Meter = factory?.Create(new MeterOptions(name)) ?? new Meter(name);
    }

    public Meter Meter { get; }

    public void Dispose()
    {
        if (_isOwned)
        {
            Meter.Dispose();
        }
    }
}
