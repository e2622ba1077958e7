using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Payments;

/// <summary>
/// What a link costs beyond the HTTP calls it needs: <c>CreateAsync</c> against the same three calls made by hand, to the same fake on
/// loopback, in blocks that take turns, so that whatever else the machine does befalls both.
/// </summary>
internal sealed class OverheadProof : IAsyncDisposable
{
    private const int PerBlock = 50;
    private const int WarmUpBlocks = 300;

    private readonly StripeFake _fake;
    private readonly HttpClient _http;
    private readonly ServiceProvider _services;
    private readonly IPaymentLinks _links;
    private int _number;

    private OverheadProof(StripeFake fake)
    {
        _fake = fake;
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = fake.Url };
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "real",
            ["STRIPE_API_KEY"] = "sk_test_benchmark",
            ["Coach:Payments:Stripe:BaseUrl"] = fake.Url.AbsoluteUri,
        }).Build());
        services.AddCoachPayments();
        _services = services.BuildServiceProvider();
        _links = _services.GetRequiredService<IPaymentLinks>();
    }

    public static async Task<int> RunAsync(int blocks)
    {
        await using var proof = new OverheadProof(await StripeFake.StartAsync());
        var hand = new List<double>();
        var coach = new List<double>();
        for (int block = -WarmUpBlocks; block < blocks; block++)
        {
            // Who goes first takes turns too.
            bool handFirst = block % 2 == 0;
            double first = await proof.BlockAsync(handFirst);
            double second = await proof.BlockAsync(!handFirst);
            if (block >= 0)
            {
                hand.Add(handFirst ? first : second);
                coach.Add(handFirst ? second : first);
            }
        }

        double ratio = Median([.. coach.Zip(hand, (c, h) => c / h)]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"links\":{blocks * PerBlock},\"byHandMicroseconds\":{Median(hand):0.0},\"coachMicroseconds\":{Median(coach):0.0},\"ratio\":{ratio:0.000},\"limit\":1.15}}"));
        return ratio <= 1.15 ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _http.Dispose();
        await _fake.DisposeAsync();
    }

    private async Task<double> BlockAsync(bool byHand)
    {
        // The fake remembers everything; its growth must not be measured.
        _fake.Forget();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < PerBlock; i++)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"order-{++_number}:1");
            if (byHand)
            {
                await ByHandAsync(key);
            }
            else
            {
                await _links.CreateAsync(new PaymentLinkRequest { OperationKey = key, Amount = Money.Create(1250, "usd"), Description = "Bar tab at table 4" });
            }
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / PerBlock;
    }

    private async Task ByHandAsync(string key)
    {
        string price = await PostAsync("/v1/prices", $"{key}:price",
            ("currency", "usd"), ("unit_amount", "1250"), ("product_data[name]", "Bar tab at table 4"), ("lookup_key", key),
            ("metadata[coach_tag]", key), ("metadata[coach_request]", key));
        string link = await PostAsync("/v1/payment_links", $"{key}:link",
            ("line_items[0][price]", price), ("line_items[0][quantity]", "1"), ("restrictions[completed_sessions][limit]", "1"),
            ("metadata[coach_tag]", key), ("metadata[coach_operation]", key));
        await PostAsync($"/v1/prices/{price}", $"{key}:note", ("metadata[coach_link]", link));
    }

    private async Task<string> PostAsync(string path, string key, params (string Name, string Value)[] form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk_test_benchmark");
        request.Headers.Add("Stripe-Version", "2026-10-28.endive");
        request.Headers.Add("Idempotency-Key", key);
        request.Content = new FormUrlEncodedContent(form.Select(pair => new KeyValuePair<string, string>(pair.Name, pair.Value)));
        using HttpResponseMessage response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return document.RootElement.GetProperty("id").GetString()!;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
