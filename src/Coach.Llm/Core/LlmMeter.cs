using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Core;

/// <summary>The package's one meter. Whoever owns an instrument makes it from here.</summary>
internal sealed class LlmMeter : IDisposable
{
    public const string Name = "Coach.Llm";

    private readonly bool _owned;

    public LlmMeter(IServiceProvider services)
    {
        var factory = services.GetService<IMeterFactory>();
        _owned = factory is null;
        Meter = factory?.Create(new MeterOptions(Name)) ?? new Meter(Name);
    }

    public Meter Meter { get; }

    public void Dispose()
    {
        if (_owned)
        {
            Meter.Dispose();
        }
    }
}
