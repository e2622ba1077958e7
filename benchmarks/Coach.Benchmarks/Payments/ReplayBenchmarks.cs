using BenchmarkDotNet.Attributes;
using Coach.Payments;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Payments;

/// <summary>What does asking again cost? A new request object each time, as a host would have it. Limits: 2 µs, 256 B (without the request).</summary>
[MemoryDiagnoser]
public class ReplayBenchmarks
{
    private readonly PaymentLinkRequest _request = PaymentsSetup.Order(1);
    private ServiceProvider _services = null!;
    private IPaymentLinks _links = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _services = PaymentsSetup.Build("mock", null);
        _links = _services.GetRequiredService<IPaymentLinks>();
        await _links.CreateAsync(_request);
    }

    [GlobalCleanup]
    public ValueTask CleanupAsync() => _services.DisposeAsync();

    [Benchmark]
    public Task<PaymentLink> MemoryStore() => _links.CreateAsync(_request);
}
