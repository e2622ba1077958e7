using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Tests.Registration;

public sealed class RegistrationTests
{
    [Fact]
    public void Options_OutOfRange_AreAllReportedWithKeyValueAndRange()
    {
        var services = new ServiceCollection();
        services.AddCoachPayments(options =>
        {
            options.MaxRetries = 42;
            options.WebhookTolerance = TimeSpan.Zero;
            options.LeaseDuration = TimeSpan.FromSeconds(2);
            options.Stripe.BaseUrl = new Uri("https://user:secret@api.stripe.com");
            options.Namespace = "";
        });
        using ServiceProvider provider = services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptions<CoachPaymentsOptions>>().Value);

        Assert.Equal(
            [
                "Coach:Payments:Stripe:BaseUrl carries credentials or a query; keys travel in headers, so give the bare address.",
                "Coach:Payments:MaxRetries is 42; it must be between 0 and 10.",
                "Coach:Payments:WebhookTolerance is 00:00:00; it must be between 00:00:01 and 1.00:00:00.",
                "Coach:Payments:Namespace must have 1 to 64 characters.",
                "Coach:Payments:LeaseDuration is 00:00:02; it must be longer than TotalTimeout (00:00:15).",
            ], exception.Failures);
    }

    [Fact]
    public void Configuration_IsBoundBeforeTheHostsChanges_AndTwiceIsHarmless()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Payments:Stripe:BaseUrl"] = "http://127.0.0.1:9",
            ["Coach:Payments:MaxRetries"] = "1",
            ["Coach:Payments:TestModeOnly"] = "true",
        }).Build());
        services.AddCoachPayments(options => options.MaxRetries = 2);
        services.AddCoachPayments();
        using ServiceProvider provider = services.BuildServiceProvider();

        CoachPaymentsOptions options = provider.GetRequiredService<IOptions<CoachPaymentsOptions>>().Value;

        Assert.Equal(new Uri("http://127.0.0.1:9"), options.Stripe.BaseUrl);
        Assert.Equal(2, options.MaxRetries);
        Assert.True(options.TestModeOnly);
        Assert.Single(provider.GetServices<IComponentHealth>());
    }

    [Theory]
    [InlineData("mock", null, ComponentState.Healthy)]
    [InlineData("auto", null, ComponentState.Healthy)]
    [InlineData("real", null, ComponentState.Degraded)]
    [InlineData("auto", PaymentHost.TestKey, ComponentState.Healthy)]
    public async Task Health_SaysWhatIsServed(string mode, string? key, ComponentState expected)
    {
        using var host = new PaymentHost(mode: mode, key: key);

        Assert.Equal(expected, (await host.Health.CheckAsync()).State);
    }

    [Theory]
    [InlineData(false, ComponentState.Degraded)]
    [InlineData(true, ComponentState.Unhealthy)]
    public async Task Health_ProviderDown_IsDegradedOrUnhealthyWhereRequired(bool required, ComponentState expected)
    {
        using var host = new PaymentHost(configure: options => options.Required = required);
        host.Fake.Inject(StripeFault.Status(503), times: 99);

        Assert.Equal(expected, (await host.Health.CheckAsync()).State);
        await host.Health.CheckAsync();
        Assert.Single(host.Fake.Requests);
    }

    [Fact]
    public async Task Metrics_CountEachCallByOutcome()
    {
        using var host = new PaymentHost();
        var counts = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Coach.Payments" && ReferenceEquals(instrument.Meter.Scope, host.Services.GetService<IMeterFactory>()))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            counts.AddOrUpdate($"{instrument.Name}:{string.Join(',', tags.ToArray().Select(tag => tag.Value))}", value, (_, old) => old + value));
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

    [Theory]
    [InlineData("sk_test_abc-CANARY")]
    [InlineData("canary-key-of-a-proxy-CANARY")]
    public async Task Canary_AKeyOfAnyShapeThatTheServerRepeats_IsMasked(string key)
    {
        using var host = new PaymentHost(key: key, configure: options => options.MaxRetries = 0);
        host.Fake.Inject(StripeFault.Status(400) with { Message = $"Invalid request by {key}.", Code = key, ErrorType = key }, "POST", "/v1/prices");
        PaymentException exception = await host.FailsAsync(PaymentHost.Order());
        Assert.Contains("Invalid request by ***.", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("CANARY", exception.ToString() + exception.ProviderCode + exception.Parameter + exception.RequestId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Canary_NoKeySecretClientSecretOrCardNumber_InAnyLogOrMessage()
    {
        const string key = "sk_test_CANARYcanary0123456789";
        const string echo = "Invalid: sk_test_CANARYcanary0123456789 rk_live_abc whsec_coach_testing pi_3Abc_secret_Def 4242 4242 4242 4242 4242424242424242";
        FakeLogCollector logs = TestLogs.New();
        var said = new List<string>();
        StripeFault[] faults =
        [
            .. new[] { 400, 401, 402, 403, 404, 409, 429, 500, 503 }.Select(status => StripeFault.Status(status) with { Message = echo, Code = key, ErrorType = key }),
            .. Enum.GetValues<StripeFaultKind>().Where(kind => kind != StripeFaultKind.None).Select(kind => new StripeFault(kind) { Message = echo }),
        ];
        for (int i = 0; i < faults.Length; i++)
        {
            foreach (string path in new[] { "/v1/balance", "/v1/prices", "/v1/payment_links", "/v1/checkout/sessions" })
            {
                using var host = new PaymentHost(key: key, logs: logs, configure: options => options.MaxRetries = 1);
                host.Fake.Inject(faults[i], null, path, times: 9);
                try
                {
                    PaymentLink link = await host.CreateAsync();
                    said.Add(link.ToString());
                    said.Add((await host.RunAsync(host.Links.GetStatusAsync(link.Id))).ToString());
                    said.Add((await host.RunAsync(host.Links.DeactivateAsync(link.Id))).ToString());
                }
                catch (PaymentException exception)
                {
                    said.Add(exception.ToString() + exception.ProviderCode + exception.Parameter + exception.RequestId);
                }

                said.Add((await host.RunAsync(host.Health.CheckAsync().AsTask())).Description);
                said.AddRange(host.Fake.Requests.Select(request => request.Path + request.Query + request.Body));
                said.AddRange((await host.Store.ListUnsettledAsync(10)).Select(record => record.ToString()));
            }
        }

        string all = string.Join('\n', said.Concat(logs.Everything()));
        Assert.True(logs.Count > 100);
        foreach (string secret in new[] { key, "CANARY", "rk_live_abc", "whsec_", "_secret_", "4242" })
        {
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
        }
    }
}
