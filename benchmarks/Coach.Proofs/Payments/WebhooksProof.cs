using System.Diagnostics;
using System.Globalization;
using System.Text;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Payments;

/// <summary>
/// Forged webhooks of real payments: each is a true one with one thing wrong, and none may be accepted or change a record. Then true
/// ones: how long it takes until the fact is stored.
/// </summary>
internal sealed class WebhooksProof : IAsyncDisposable
{
    private const int Links = 16;

    private readonly StripeFake _fake = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("coach-webhooks-").FullName;
    private readonly ServiceProvider _services;
    private readonly Random _random;

    private WebhooksProof(int seed)
    {
        _random = new Random(seed);
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "real",
            ["STRIPE_API_KEY"] = "sk_live_webhooks",
            ["STRIPE_WEBHOOK_SECRET"] = _fake.WebhookSecret,
            ["Coach:Payments:RequestsPerSecond"] = "0",
            ["Coach:Payments:StorePath"] = Path.Combine(_folder, "payments.journal"),
        }).Build());
        services.AddCoachPayments().HttpClient.ConfigurePrimaryHttpMessageHandler(_fake.CreateHandler);
        _services = services.BuildServiceProvider();
    }

    private IPaymentWebhooks Webhooks => _services.GetRequiredService<IPaymentWebhooks>();

    public static async Task<int> RunAsync(int forged, int facts, int seed)
    {
        await using var proof = new WebhooksProof(seed);
        int accepted = await proof.ForgeAsync(forged);
        double[] milliseconds = await proof.MeasureAsync(facts);
        Array.Sort(milliseconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"cases\":{forged},\"failed\":{accepted},\"accepted\":{accepted},\"seed\":{seed},\"facts\":{facts},\"factP50Ms\":{At(milliseconds, 0.5):0.000},\"factP99Ms\":{At(milliseconds, 0.99):0.000}}}"));
        return accepted == 0 ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _fake.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<int> ForgeAsync(int forged)
    {
        var store = _services.GetRequiredService<IIdempotencyStore>();
        var sessions = new List<StripeFakeSession>();
        for (int i = 0; i < Links; i++)
        {
            sessions.Add(await SellAsync($"forged-{i}"));
        }

        var versions = new List<long?>();
        foreach (StripeFakeSession session in sessions)
        {
            versions.Add((await store.FindByLinkAsync(session.LinkId))?.Version);
        }

        int accepted = 0;
        for (int i = 0; i < forged; i++)
        {
            StripeWebhook real = _fake.BuildWebhook("checkout.session.completed", sessions[_random.Next(Links)].Id);
            (ReadOnlyMemory<byte> body, string? header) = Forge(real);
            try
            {
                await Webhooks.HandleAsync(body, header);
                accepted++;
                await Console.Error.WriteLineAsync($"forgery {i} was accepted: {header}");
            }
            catch (PaymentException exception) when (exception.Error == PaymentError.WebhookInvalid)
            {
            }
        }

        for (int i = 0; i < Links; i++)
        {
            accepted += (await store.FindByLinkAsync(sessions[i].LinkId))?.Version == versions[i] ? 0 : 1;
        }

        return accepted + (await store.CountAsync()).PendingFacts;
    }

    // A true webhook with one thing wrong.
    private (ReadOnlyMemory<byte> Body, string? Header) Forge(StripeWebhook real)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        string time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        string header = real.SignatureHeader;
        string signature = header[(header.IndexOf("v1=", StringComparison.Ordinal) + 3)..];
        byte[] body = real.Body.ToArray();
        switch (_random.Next(18))
        {
            case 0:
                body[_random.Next(body.Length)] ^= (byte)(1 << _random.Next(8));
                return (body, header);
            case 1:
                return (body, $"t={time},v1={Hex(64)}");
            case 2:
                return Signed("whsec_" + Hex(32), now);
            case 3:
                return Signed(_fake.WebhookSecret, now.AddSeconds(-301 - _random.Next(100_000)));
            case 4:
                return Signed(_fake.WebhookSecret, now.AddSeconds(310 + _random.Next(100_000)));
            case 5:
                return (body, header.Replace("v1=", "v0=", StringComparison.Ordinal));
            case 6:
                return (body, header[..^(1 + _random.Next(63))]);
            case 7:
                return (body, $"t={time},v1={signature.ToUpperInvariant()}A");
            case 8:
                return (body, header + "," + header);
            case 9:
                return (body, _random.Next(3) switch { 0 => null, 1 => "", _ => new string('v', 5000) });
            case 10:
                return ((byte[])[.. body, (byte)' '], header);
            case 11:
                return (body.AsMemory(0, body.Length - 1 - _random.Next(body.Length - 1)), header);
            case 12:
                return Signed(_fake.WebhookSecret[6..], now);
            case 13:
                return Signed(_fake.WebhookSecret + "\n", now);
            case 14:
                return (body, $"v1={signature}");
            case 15:
                return (body, $"t={now.ToUnixTimeSeconds() - 1 - _random.Next(200)},v1={signature}");
            case 16:
                return (body, $"t=,v1={signature}");
            default:
                return (Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("\"paid\"", "\"paid\" ", StringComparison.Ordinal)), header);
        }

        (ReadOnlyMemory<byte>, string?) Signed(string secret, DateTimeOffset at)
        {
            StripeWebhook forged = StripeWebhook.Sign(body, secret, at);
            return (forged.Body, forged.SignatureHeader);
        }
    }

    private async Task<double[]> MeasureAsync(int facts)
    {
        double[] milliseconds = new double[facts];
        for (int i = 0; i < facts; i++)
        {
            StripeFakeSession session = await SellAsync($"true-{i}");
            StripeWebhook webhook = _fake.BuildWebhook("checkout.session.completed", session.Id);
            long start = Stopwatch.GetTimestamp();
            await Webhooks.HandleAsync(webhook.Body, webhook.SignatureHeader);
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return milliseconds;
    }

    private async Task<StripeFakeSession> SellAsync(string key)
    {
        PaymentLink link = await _services.GetRequiredService<IPaymentLinks>().CreateAsync(new PaymentLinkRequest
        {
            OperationKey = key,
            Amount = Money.Create(1250, "usd"),
            Description = "Bar tab at table 4",
        });
        return _fake.Pay(link.Id)!;
    }

    private static double At(double[] sorted, double share) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];

    private string Hex(int length) => Convert.ToHexStringLower(RandomBytes(length / 2));

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }
}
