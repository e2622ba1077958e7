using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Telemetry;

public sealed class PaymentMetricsTests
{
    [Fact]
    public async Task Metrics_CountEachCallByOutcome()
    {
        using var host = new PaymentHost();
        var counts = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Coach.Payments"
                && ReferenceEquals(instrument.Meter.Scope, host.Services.GetService<IMeterFactory>()))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            counts.AddOrUpdate(
                $"{instrument.Name}:{string.Join(',', tags.ToArray().Select(tag => tag.Value))}", value,
                (_, old) => old + value));
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => counts[instrument.Name] = value);
        listener.Start();

        await host.CreateAsync();
        await host.CreateAsync();
        await host.FailsAsync(PaymentHost.Order(amount: 2));
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", "/v1/payment_links", times: 9);
        await host.FailsAsync(PaymentHost.Order("order-2"));
        listener.RecordObservableInstruments();

        Assert.Equal(1, counts["coach.payments.links:created"]);
        Assert.Equal(1, counts["coach.payments.links:replayed"]);
        Assert.Equal(2, counts["coach.payments.links:failed"]);
        Assert.Equal(1, counts["coach.payments.attempts:link,success"]);
        Assert.Equal(2, counts["coach.payments.attempts:link,timed_out"]);
        Assert.Equal(1, counts["coach.payments.reconciliation_pending"]);
        Assert.Equal(0, counts["coach.payments.gateway_available"]);
    }
}
