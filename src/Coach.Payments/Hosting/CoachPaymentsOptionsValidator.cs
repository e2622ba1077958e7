using Microsoft.Extensions.Options;

namespace Coach.Payments.Hosting;

internal sealed class CoachPaymentsOptionsValidator : IValidateOptions<CoachPaymentsOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachPaymentsOptions options)
    {
        string section = string.IsNullOrEmpty(name) ? "Coach:Payments" : $"Coach:Payments:{name}";
        OptionsCheck check = new OptionsCheck("Coach:Payments", name)
            .HttpUrl(options.Stripe.BaseUrl)
            .InRange(options.Stripe.MaxResponseBytes, 4096, 16 * 1024 * 1024)
            .InRange(options.Stripe.MaxPages, 1, 10_000)
            .HttpUrl(options.Simulated.BaseUrl)
            .InRange(
                options.Simulated.PaidAfter ?? TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(30),
                "options.Simulated.PaidAfter")
            .InRange(options.MaxRetries, 0, 10)
            .InRange(options.RetryDelay, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1))
            .InRange(options.AttemptTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(2))
            .InRange(options.TotalTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10))
            .InRange(options.LeaseDuration, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .InRange(options.JoinTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(10))
            .InRange(options.ProbeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1))
            .InRange(options.ProbeCacheDuration, TimeSpan.Zero, TimeSpan.FromHours(1))
            .InRange(options.ProbeFailureCacheDuration, TimeSpan.Zero, TimeSpan.FromHours(1))
            .InRange(options.PollInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))
            .InRange(options.PollTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(2))
            .InRange(options.WaitTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1))
            .InRange(options.MaxPolls, 1, 10_000)
            .InRange(options.WebhookTolerance, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .InRange(options.MaxWebhookBytes, 1024, 16 * 1024 * 1024)
            .InRange(options.MaxRecords, 1, 10_000_000)
            .InRange(options.Retention, TimeSpan.FromDays(1), TimeSpan.FromDays(3650))
            .InRange(options.ReconcileInterval, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .InRange(options.ReconcileBatch, 1, 100_000)
            .InRange(options.SettleDelay, TimeSpan.Zero, TimeSpan.FromDays(1))
            .InRange(options.StoreLockTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(5))
            .InRange(options.MaxDeliveryAttempts, 1, 1000)
            .InRange(options.DeliveryLease, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1))
            .InRange(options.DeliveryInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1))
            .InRange(options.DeliveryConcurrency, 1, 256)
            .InRange(options.ReconcileConcurrency, 1, 256)
            .InRange(options.RequestsPerSecond ?? 0, 0.0, 10_000.0, "options.RequestsPerSecond")
            .InRange(options.MaxQueueTime, TimeSpan.Zero, TimeSpan.FromHours(1))
            .That(options.Stripe.MoreWebhookSecrets.All(static secret =>
                    IsPlain(secret.Name) && (secret.Account is null || IsPlain(secret.Account))),
                $"{section}:Stripe:MoreWebhookSecrets must name secrets, and accounts where they are of one, of at most "
                + "100 letters, digits and '_'.")
            .That(options.Namespace is { Length: >= 1 and <= 64 }, $"{section}:Namespace must have 1 to 64 characters.")
            .That(options.LeaseDuration > options.TotalTimeout,
                $"{section}:LeaseDuration is {options.LeaseDuration}; it must be longer than TotalTimeout "
                + $"({options.TotalTimeout}).")
            .That(IsPlain(options.Stripe.ApiKeyName) && IsPlain(options.Stripe.WebhookSecretName),
                $"{section}:Stripe:ApiKeyName and WebhookSecretName must be names of secrets, of at most 100 "
                + "letters, digits and '_'.")
            .That(options.Stripe.Account is null || IsPlain(options.Stripe.Account),
                $"{section}:Stripe:Account must be an account id such as 'acct_123', of at most 100 letters, "
                + "digits and '_'.");
        return check.Result();
    }

    private static bool IsPlain(string? text) =>
        text is { Length: > 0 and <= 100 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
