using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Http.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Secrecy;

/// <summary>Marked keys are sent down every path; then everything the process shows is searched for them.</summary>
public sealed class CanaryTests
{
    private const string UserKey = "AIzaCANARYuser0key0never0shown0anywhere";
    private const string BadKey = "sk-CANARYbad0key0never0shown0anywhere";
    private const string StripeKey = "sk_test_CANARYstripe0never0shown0anywhere";
    private const string WebhookSecret = "whsec_CANARYwebhook0never0shown0anywhere";

    [Fact]
    public async Task EveryPath_WithMarkedKeys_ShowsNoneOfThem()
    {
        var seen = new ConcurrentQueue<string>();
        using ActivityListener activities = ListenToActivities(seen);
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using StripeFake stripe = await StripeFake.StartAsync();
        await using ChatHost host = await ChatHost.StartAsync(values =>
        {
            values["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString();
            values["Coach:Llm:OpenAI:BaseUrl"] = providers.BaseUrl("openai").ToString();
            values["Coach:Payments:Stripe:BaseUrl"] = stripe.Url.ToString();
            values["Coach:Llm:Requests:MaxRetries"] = "0";
            values["STRIPE_API_KEY"] = StripeKey;
            values["STRIPE_WEBHOOK_SECRET"] = WebhookSecret;
        });
        using MeterListener meters = ListenToMeters(seen, host);
        using HttpClient visitor = host.NewVisitor();
        providers.SetKey("gemini", UserKey);

        await KeepAsync(
            seen,
            visitor.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = UserKey })));
        await KeepAsync(
            seen,
            visitor.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "openai", apiKey = BadKey })));
        await KeepAsync(
            seen,
            visitor.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = UserKey + " with space" })));
        await KeepAsync(
            seen,
            visitor.PostAsync("/api/session/keys", JsonContent.Create(new { provider = UserKey, apiKey = UserKey })));
        await KeepAsync(
            seen, visitor.PostJsonAsync("/api/session/keys", $"{{\"provider\":\"gemini\",\"apiKey\":\"{UserKey}\""));
        await KeepAsync(seen, visitor.GetAsync("/api/session"));
        await KeepAsync(seen, visitor.PostJsonAsync("/api/chat", """{"message":"What is Coach?"}"""));
        foreach (ProviderKeyState state in Enum.GetValues<ProviderKeyState>())
        {
            providers.SetKey("gemini", UserKey, state);
            await KeepAsync(
                seen,
                visitor.PostAsync("/api/session/keys", JsonContent.Create(new { provider = "gemini", apiKey = UserKey })));
            await KeepAsync(seen, visitor.PostJsonAsync("/api/chat", """{"message":"What is Coach?"}"""));
        }

        providers.SetKey("gemini", UserKey);
        foreach (ProviderFault fault
            in new[] { ProviderFault.HtmlPage(), ProviderFault.Reset(), ProviderFault.CutAfter(1), ProviderFault.Garbage(), ProviderFault.ErrorAfter(1) })
        {
            providers.Fail("gemini", fault);
            await KeepAsync(seen, visitor.PostJsonAsync("/api/chat", """{"message":"What is Coach?"}"""));
            providers.Recover("gemini");
        }

        const string Order = """{"amount":1250,"currency":"usd","description":"Two espressos"}""";
        await KeepAsync(seen, visitor.CreateLinkAsync("canary-1", Order));
        await KeepAsync(
            seen, visitor.CreateLinkAsync("canary-1", Order.Replace("1250", "99", StringComparison.Ordinal)));
        using (var forged = new HttpRequestMessage(
            HttpMethod.Post, "/api/payments/webhook")
        { Content = new StringContent("{}") })
        {
            forged.Headers.TryAddWithoutValidation("Stripe-Signature", "t=1,v1=" + WebhookSecret);
            await KeepAsync(seen, visitor.SendAsync(forged));
        }

        foreach (string page in new[] { "/metrics", "/healthz", "/livez", "/readyz", "/" })
        {
            await KeepAsync(seen, visitor.GetAsync(page));
        }

        await KeepAsync(seen, visitor.DeleteAsync("/api/session/keys/gemini"));
        await KeepAsync(seen, visitor.DeleteAsync("/api/session"));

        meters.RecordObservableInstruments();
        Assert.Contains(seen, text => text.Contains("fingerprint", StringComparison.Ordinal));
        string[] leaks = [.. seen.Concat(host.Logs).Where(text => text.Contains("CANARY", StringComparison.Ordinal))];
        Assert.Empty(leaks);
        Assert.NotEmpty(host.Logs);
    }

    private static async Task KeepAsync(ConcurrentQueue<string> seen, Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call;
        seen.Enqueue($"{response.StatusCode} {response.Headers} {response.Content.Headers}");
        seen.Enqueue(await response.Content.ReadAsStringAsync());
        Assert.NotEqual(500, (int)response.StatusCode);
    }

    private static ActivityListener ListenToActivities(ConcurrentQueue<string> seen)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source =>
                source.Name.StartsWith("Coach", StringComparison.Ordinal)
                    || source.Name.StartsWith("System.Net.Http", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                seen.Enqueue(
                    $"{activity.DisplayName} {activity.StatusDescription} {string.Join(' ', activity.TagObjects)} "
                + string.Join(' ', activity.Events.SelectMany(item => item.Tags))),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static MeterListener ListenToMeters(ConcurrentQueue<string> seen, ChatHost host)
    {
        // Meters of this host and of the process; other tests' hosts end while this one is asked.
        var own = host.Services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Scope is null || ReferenceEquals(instrument.Meter.Scope, own))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, tags));
        listener.Start();
        return listener;

        void Keep(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            seen.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray())}");
    }
}
