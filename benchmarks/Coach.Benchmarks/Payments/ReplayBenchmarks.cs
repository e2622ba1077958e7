using BenchmarkDotNet.Attributes;
using Coach.Payments;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Payments;

/// <summary>What does asking again cost? Limits: 2 µs, 256 B (without the request).</summary>
[MemoryDiagnoser]
public class ReplayBenchmarks
{
    private readonly PaymentLinkRequest _request = new()
    {
        OperationKey = "order-1:1",
        Amount = Money.Create(1250, "usd"),
        Description = "Bar tab at table 4",
        Owner = "session-1",
    };

    private ServiceProvider _services = null!;
    private IPaymentLinks _links = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([new("Coach:Mode", "mock")]).Build());
        services.AddCoachPayments();
        _services = services.BuildServiceProvider();
        _links = _services.GetRequiredService<IPaymentLinks>();
        await _links.CreateAsync(_request);
    }

    [GlobalCleanup]
    public ValueTask CleanupAsync() => _services.DisposeAsync();

    [Benchmark]
    public Task<PaymentLink> MemoryStore() => _links.CreateAsync(_request);
}
