using System.Diagnostics;
using System.Globalization;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Payments;

/// <summary>So many orders at the same moment against a provider that takes 25 requests a second: how many get their link, how long it
/// takes, and whether who came first is served first.</summary>
internal static class RateProof
{
    public static async Task<int> RunAsync(int orders, int allowed)
    {
        await using StripeFake fake = await StripeFake.StartAsync(options => options.RequestsPerSecond = allowed);
        string folder = Directory.CreateTempSubdirectory("coach-rate-").FullName;
        try
        {
            var services = new ServiceCollection();
            services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Coach:Mode"] = "real",
                ["STRIPE_API_KEY"] = "sk_live_rate",
                ["Coach:Payments:Stripe:BaseUrl"] = fake.Url.AbsoluteUri,
                ["Coach:Payments:StorePath"] = Path.Combine(folder, "payments.journal"),
            }).Build());
            services.AddCoachPayments();
            await using ServiceProvider provider = services.BuildServiceProvider();
            IPaymentLinks links = provider.GetRequiredService<IPaymentLinks>();
            var ended = new List<(int Order, double Seconds)>();
            int failed = 0;
            var watch = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, orders).Select(async order =>
            {
                try
                {
                    await links.CreateAsync(new PaymentLinkRequest
                    {
                        OperationKey = string.Create(CultureInfo.InvariantCulture, $"order-{order}:1"),
                        Amount = Money.Create(1250, "usd"),
                        Description = "Bar tab at table 4",
                    });
                    lock (ended)
                    {
                        ended.Add((order, watch.Elapsed.TotalSeconds));
                    }
                }
                catch (PaymentException exception)
                {
                    Interlocked.Increment(ref failed);
                    await Console.Error.WriteLineAsync($"order {order}: {exception.Message}");
                }
            }));

            double seconds = watch.Elapsed.TotalSeconds;
            double perLink = orders == 0 ? 0 : fake.Requests.Count(request => request.Path != "/v1/balance") / (double)orders;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{{\"cases\":{orders},\"failed\":{failed},\"made\":{ended.Count},\"links\":{fake.Links.Count},\"seconds\":{seconds:0.0},\"requestsPerLink\":{perLink:0.00},\"requestsPerSecond\":{fake.Requests.Count / seconds:0.0},\"latestOvertaken\":{Overtaken(ended)}}}"));
            return failed == 0 && fake.Links.Count == orders ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The most orders that were served before an earlier one.
    private static int Overtaken(List<(int Order, double Seconds)> ended)
    {
        int most = 0;
        for (int place = 0; place < ended.Count; place++)
        {
            most = Math.Max(most, place - ended[place].Order);
        }

        return most;
    }
}
