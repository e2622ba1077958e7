using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Llm.Tests;

public sealed class SessionHealthTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CheckAsync_PlacesAndMemory_ShowAsDegradedNeverAsUnhealthy()
    {
        var memory = new Gauge();
        await using ServiceProvider host = Build(memory);
        IComponentHealth health = host.GetServices<IComponentHealth>().Single(part => part.Name == "llm_sessions");
        var registry = host.GetRequiredService<ISessionClientRegistry>();

        Assert.Equal(new ComponentReport(ComponentState.Healthy, "0 sessions."), await health.CheckAsync(Token));
        (await registry.AcquireAsync<TestClient>(SessionId.From("a"), LlmHost.Key("test", "k"), Token)).Dispose();
        Assert.Equal(new ComponentReport(ComponentState.Degraded, "1 sessions; all places are taken."), await health.CheckAsync(Token));
        memory.IsHigh = true;
        Assert.Equal(new ComponentReport(ComponentState.Degraded, "1 sessions; memory is short, so new ones wait."), await health.CheckAsync(Token));
    }

    [Fact]
    public async Task Instruments_OfSessionsAndKeys_HaveTheContractsNamesAndValues()
    {
        await using ServiceProvider host = Build(new Gauge());
        foreach (IHostedService service in host.GetServices<IHostedService>())
        {
            await service.StartAsync(Token);
        }

        IMeterFactory factory = host.GetRequiredService<IMeterFactory>();
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Coach.Llm" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            string name = instrument.Name + (tags.Length > 0 ? ":" + tags[0].Value : "");
            values[name] = values.GetValueOrDefault(name) + value;
        });
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => values[instrument.Name] = value);
        listener.Start();
        var registry = host.GetRequiredService<ISessionClientRegistry>();
        await host.GetRequiredService<ISessionKeyStore>().SetAsync(SessionId.From("a"), LlmHost.Key("test", "k"), Token);
        (await registry.AcquireAsync<TestClient>(SessionId.From("a"), LlmHost.Key("test", "k"), Token)).Dispose();
        await Assert.ThrowsAsync<LlmException>(() => registry.AcquireAsync<TestClient>(SessionId.From("b"), LlmHost.Key("test", "k"), Token).AsTask());
        listener.RecordObservableInstruments();
        Assert.Equal((1, 1, 1), (values["coach.llm.sessions_active"], values["coach.byok.user_count"], values["coach.byok.enabled"]));
        Assert.Equal((1, 1), (values["coach.llm.sessions_limit"], values["coach.llm.sessions_created"]));
        ((VirtualClock)host.GetRequiredService<TimeProvider>()).Advance(TimeSpan.FromHours(1));
        listener.RecordObservableInstruments();

        Assert.Equal((0, 0), (values["coach.llm.sessions_active"], values["coach.byok.user_count"]));
        Assert.Equal((1, 1), (values["coach.llm.session_rejections:sessions"], values["coach.llm.session_evictions:idle"]));
    }

    private static ServiceProvider Build(Gauge memory) => LlmHost.Build(clock: new VirtualClock(), options: o => o.Sessions.MaxSessions = 1, configure: builder =>
    {
        builder.Services.AddSingleton<IMemoryPressure>(memory);
        builder.AddProvider("test", (_, session, key, _) => Task.FromResult(new TestClient(session, key)));
    });

    private sealed class Gauge : IMemoryPressure
    {
        public bool IsHigh { get; set; }
    }
}
