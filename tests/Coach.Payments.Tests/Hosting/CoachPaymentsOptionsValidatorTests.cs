using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Tests.Hosting;

public sealed class CoachPaymentsOptionsValidatorTests
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

        var exception = Assert
            .Throws<OptionsValidationException>(
                () => provider.GetRequiredService<IOptions<CoachPaymentsOptions>>().Value);

        Assert.Equal(
            [
                "Coach:Payments:Stripe:BaseUrl carries credentials or a query; keys travel in headers, so give "
                + "the bare address.",
                "Coach:Payments:MaxRetries is 42; it must be between 0 and 10.",
                "Coach:Payments:WebhookTolerance is 00:00:00; it must be between 00:00:01 and 1.00:00:00.",
                "Coach:Payments:Namespace must have 1 to 64 characters.",
                "Coach:Payments:LeaseDuration is 00:00:02; it must be longer than TotalTimeout (00:00:15).",
            ], exception.Failures);
    }

    [Fact]
    public void Options_OfAName_AreReportedUnderItsSection()
    {
        using var host = new TestHost(services => services.AddCoachPayments("shop", options =>
            (options.MaxRetries, options.Namespace, options.Stripe.ApiKeyName) = (11, "", "no name")));

        var exception = Assert.Throws<OptionsValidationException>(
            () => host.Get<IOptionsMonitor<CoachPaymentsOptions>>().Get("shop"));

        Assert.Equal(
            [
                "Coach:Payments:shop:MaxRetries is 11; it must be between 0 and 10.",
                "Coach:Payments:shop:Namespace must have 1 to 64 characters.",
                "Coach:Payments:shop:Stripe:ApiKeyName and WebhookSecretName must be names of secrets, of at "
                + "most 100 letters, digits and '_'.",
            ], exception.Failures);
    }
}
