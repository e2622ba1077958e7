using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Abstractions.Tests.Shared;

public class MeterSourceTests
{
    [Fact]
    public void WithoutAFactory_TheMeterIsItsOwnAndEndsWithIt()
    {
        var source = new MeterSource("Coach.Test.Own", factory: null);
        Counter<int> counter = source.Meter.CreateCounter<int>("count");
        using MeterListener listener = Listen(counter);
        Assert.True(counter.Enabled);
        source.Dispose();
        Assert.False(counter.Enabled);
        Assert.Null(source.Meter.Scope);
    }

    [Fact]
    public void WithAFactory_TheMeterIsTheFactorysAndOutlivesIt()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var factory = services.GetRequiredService<IMeterFactory>();
        var source = new MeterSource("Coach.Test.Shared", factory);
        Counter<int> counter = source.Meter.CreateCounter<int>("count");
        using MeterListener listener = Listen(counter);
        source.Dispose();
        Assert.True(counter.Enabled);
        Assert.Same(factory, source.Meter.Scope);
        Assert.Same(source.Meter, new MeterSource("Coach.Test.Shared", factory).Meter);
    }

    private static MeterListener Listen(Instrument instrument)
    {
        var listener = new MeterListener();
        listener.EnableMeasurementEvents(instrument);
        listener.Start();
        return listener;
    }
}
