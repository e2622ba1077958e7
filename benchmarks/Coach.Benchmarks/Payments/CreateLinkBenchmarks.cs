using System.Net.Http.Headers;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Payments;

/// <summary>What does a link cost beyond the HTTP calls it needs? The same three calls by hand, to the same fake on loopback.</summary>
[MemoryDiagnoser]
public class CreateLinkBenchmarks
{
    private StripeFake _fake = null!;
    private HttpClient _http = null!;
    private ServiceProvider _services = null!;
    private IPaymentLinks _links = null!;
    private int _number;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _fake = await StripeFake.StartAsync();
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = _fake.Url };
        _services = PaymentsSetup.Build("real", _fake.Url);
        _links = _services.GetRequiredService<IPaymentLinks>();
        await _links.CreateAsync(PaymentsSetup.Order(++_number));
    }

    [IterationSetup]
    public void Reset()
    {
        // The fake remembers everything; each iteration starts with an empty one, or its growth would be measured.
        _fake.Forget();
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _services.DisposeAsync();
        _http.Dispose();
        await _fake.DisposeAsync();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 200)]
    public async Task Handwritten()
    {
        for (int i = 0; i < 200; i++)
        {
            string tag = $"hand{++_number}";
            string price = await PostAsync("/v1/prices", $"{tag}:price", "id",
                ("currency", "usd"), ("unit_amount", "1250"), ("product_data[name]", "Bar tab at table 4"), ("lookup_key", tag), ("metadata[coach_tag]", tag));
            string link = await PostAsync("/v1/payment_links", $"{tag}:link", "id",
                ("line_items[0][price]", price), ("line_items[0][quantity]", "1"), ("restrictions[completed_sessions][limit]", "1"), ("metadata[coach_tag]", tag));
            await PostAsync($"/v1/prices/{price}", $"{tag}:note", "id", ("metadata[coach_link]", link));
        }
    }

    [Benchmark(OperationsPerInvoke = 200)]
    public async Task Coach()
    {
        for (int i = 0; i < 200; i++)
        {
            await _links.CreateAsync(PaymentsSetup.Order(++_number));
        }
    }

    private async Task<string> PostAsync(string path, string key, string field, params (string Name, string Value)[] form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk_test_benchmark");
        request.Headers.Add("Stripe-Version", "2026-07-29.dahlia");
        request.Headers.Add("Idempotency-Key", key);
        request.Content = new FormUrlEncodedContent(form.Select(pair => new KeyValuePair<string, string>(pair.Name, pair.Value)));
        using HttpResponseMessage response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return document.RootElement.GetProperty(field).GetString()!;
    }
}
