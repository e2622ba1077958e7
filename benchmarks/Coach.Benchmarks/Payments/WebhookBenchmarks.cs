using BenchmarkDotNet.Attributes;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Testing;

namespace Coach.Benchmarks.Payments;

/// <summary>What does verifying a webhook of 4 KiB cost? Limit: 10 µs.</summary>
[MemoryDiagnoser]
public class WebhookBenchmarks
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    private readonly Secret _secret = Secret.From("whsec_coach_benchmark_0001");
    private byte[] _body = null!;
    private string _header = null!;

    [GlobalSetup]
    public void Setup()
    {
        _body = new byte[4096];
        new Random(1).NextBytes(_body);
        _header = StripeWebhook.Sign(_body, _secret.Reveal(), Now).SignatureHeader;
    }

    [Benchmark]
    public WebhookVerdict Verify4KiB() => WebhookSignature.Verify(_body, _header, _secret, Now, TimeSpan.FromMinutes(5));
}
