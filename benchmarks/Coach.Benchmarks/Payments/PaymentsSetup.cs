using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Benchmarks.Payments;

internal static class PaymentsSetup
{
    public static ServiceProvider Build(string mode, Uri? stripe, Action<CoachPaymentsBuilder>? build = null)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Coach:Mode"] = mode,
            ["STRIPE_API_KEY"] = "sk_test_benchmark",
            ["Coach:Payments:Stripe:BaseUrl"] = stripe?.AbsoluteUri,
            ["Coach:Payments:MaxRecords"] = "10000000",
        };
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings.Where(entry => entry.Value is not null)).Build());
        build?.Invoke(services.AddCoachPayments());
        if (build is null)
        {
            services.AddCoachPayments();
        }

        return services.BuildServiceProvider();
    }

    public static PaymentLinkRequest Order(int number) => new()
    {
        OperationKey = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"order-{number}:1"),
        Amount = Money.Create(1250, "usd"),
        Description = "Bar tab at table 4",
        Owner = "session-1",
    };
}
