using Coach.Abstractions;
using Coach.Observability.Health;
using Coach.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Tests.Health;

public sealed class ComponentHealthCheckTests
{
    private readonly VirtualClock _clock = new();
    private readonly FakeLogCollector _logs = TestLogs.New();

    [Theory]
    [InlineData(ComponentState.Healthy, HealthStatus.Healthy)]
    [InlineData(ComponentState.Degraded, HealthStatus.Degraded)]
    [InlineData(ComponentState.Unhealthy, HealthStatus.Unhealthy)]
    public async Task Check_AReport_KeepsStateAndDescription(ComponentState state, HealthStatus expected)
    {
        HealthCheckResult result = await Run(
            new Component(_ => ValueTask.FromResult(new ComponentReport(state, "as said"))));
        Assert.Equal((expected, "as said"), (result.Status, result.Description));
    }

    [Fact]
    public async Task Check_AThousandProbesAtOnce_AskTheComponentOnce()
    {
        var gate = new TaskCompletionSource();
        var component = new Component(async _ =>
        {
            await gate.Task;
            return new ComponentReport(ComponentState.Healthy, "fine");
        });
        IHealthCheck check = Check(component);
        Task<HealthCheckResult>[] probes =
        [
            .. Enumerable.Range(0, 1000).Select(_ => check.CheckHealthAsync(new HealthCheckContext())),
        ];
        gate.SetResult();
        Assert.All(await Task.WhenAll(probes), result => Assert.Equal(HealthStatus.Healthy, result.Status));
        Assert.Equal(1, component.Calls);
        await check.CheckHealthAsync(new HealthCheckContext());
        Assert.Equal(1, component.Calls);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await check.CheckHealthAsync(new HealthCheckContext());
        Assert.Equal(2, component.Calls);
    }

    [Fact]
    public async Task Check_AComponentThatHangs_FailsAtTheLimitAndIsNotStartedAgain()
    {
        var component = new Component(async _ =>
        {
            await new TaskCompletionSource().Task;
            return null!;
        });
        IHealthCheck check = Check(component);
        for (int i = 0; i < 3; i++)
        {
            Task<HealthCheckResult> probe = check.CheckHealthAsync(new HealthCheckContext());
            await _clock.RunUntilAsync(probe);
            Assert.Equal(
                (HealthStatus.Unhealthy, "the check 'part' did not finish in time"),
                ((await probe).Status, (await probe).Description));
        }

        Assert.Equal(1, component.Calls);
    }

    [Fact]
    public async Task Check_AComponentThatThrows_FailsWithoutItsText()
    {
        HealthCheckResult result = await Run(
            new Component(_ => throw new InvalidOperationException("password=hunter2")));
        Assert.Equal(HealthStatus.Unhealthy, result.Status);
        Assert.Equal("the check 'part' failed", result.Description);
        Assert.Null(result.Exception);
        Assert.Equal(["Health check part threw InvalidOperationException; it counts as failed"], _logs.Messages());
    }

    [Fact]
    public void Registrations_OfTwoComponentsWithOneName_KeepTheFirst() => Assert.Single(
        new ComponentHealthChecks(
            [new Component(_ => default), new Component(_ => default)], Options.Create(new CoachObservabilityOptions()),
            _clock, new FakeLogger<ComponentHealthChecks>(_logs)).Registrations);

    [Fact]
    public async Task Publisher_AfterReports_ShowsEachChecksLastStateAndLogsChanges()
    {
        var publisher = new HealthStatusPublisher(new FakeLogger<HealthStatusPublisher>(_logs));
        await publisher.PublishAsync(
            Report(("rag", HealthStatus.Degraded, "no index"), ("payments", HealthStatus.Healthy, "fine")), default);
        await publisher.PublishAsync(Report(("rag", HealthStatus.Degraded, "no index")), default);
        await publisher.PublishAsync(
            Report(("rag", HealthStatus.Healthy, "back"), ("payments", HealthStatus.Unhealthy, "down")), default);
        Assert.Equal(
            [("payments", 0.0), ("rag", 1.0)],
            publisher.Observe().Select(m => ((string)m.Tags[0].Value!, m.Value)));
        Assert.Equal(
            [
                "Health check rag is Degraded: no index",
                "Health check rag is Healthy again",
                "Health check payments is Unhealthy: down",
            ],
            _logs.Messages());
    }

    private static HealthReport Report(params (string Name, HealthStatus Status, string Text)[] entries) => new(
        entries.ToDictionary(entry => entry.Name, entry => new HealthReportEntry(entry.Status, entry.Text, TimeSpan.Zero, null, null)), TimeSpan.Zero);

    private ComponentHealthCheck Check(IComponentHealth component) =>
        new(component, new CoachObservabilityOptions(), _clock, new FakeLogger(_logs));

    private Task<HealthCheckResult> Run(IComponentHealth component) =>
        Check(component).CheckHealthAsync(new HealthCheckContext());

    private sealed class Component(Func<CancellationToken, ValueTask<ComponentReport>> check) : IComponentHealth
    {
        private int _calls;

        public string Name => "part";

        public int Calls => _calls;

        public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _calls);
            return check(cancellationToken);
        }
    }
}
