using System.Collections.Concurrent;
using System.Diagnostics;
using Coach.Testing;

namespace Coach.Payments.Tests.Telemetry;

public sealed class PaymentSpanTests
{
    [Fact]
    public async Task Steps_OfALink_AreSpansWithTheirOutcome()
    {
        using var around = new Activity("around");
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Coach.Payments",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == around.TraceId)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var host = new PaymentHost();
        around.Start();
        await host.CreateAsync();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Hang), "POST", "/v1/payment_links", times: 9);
        await host.FailsAsync(PaymentHost.Order("order-2"));
        around.Stop();

        Activity made = Assert.Single(
            spans, span => span.DisplayName == "payment link" && span.Status == ActivityStatusCode.Unset);
        Assert.Equal(ActivityKind.Client, made.Kind);
        Assert.Equal("stripe", made.GetTagItem("coach.payments.gateway"));
        Assert.Equal("link", made.GetTagItem("coach.payments.step"));
        Assert.Equal(1, made.GetTagItem("coach.payments.attempt"));
        Assert.Equal("success", made.GetTagItem("coach.payments.outcome"));
        Activity[] failed = [.. spans.Where(span => span.Status == ActivityStatusCode.Error)];
        Assert.Equal([1, 2], failed.Select(span => (int)span.GetTagItem("coach.payments.attempt")!));
        Assert.All(failed, span => Assert.Equal("timed_out", span.GetTagItem("error.type")));
    }
}
