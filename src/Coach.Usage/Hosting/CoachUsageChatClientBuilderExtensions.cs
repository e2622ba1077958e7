using Coach.Usage.Chat;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Usage;

/// <summary>Puts usage and budgets into a chat client's pipeline.</summary>
public static class CoachUsageChatClientBuilderExtensions
{
    /// <summary>Records what each attempt below it used. The services come from <c>AddCoachUsage</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="call">Whose calls they are.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static ChatClientBuilder UseUsage(this ChatClientBuilder builder, UsageCallOptions call)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(call);
        return builder.Use((inner, services) =>
            new UsageChatClient(inner, services.GetRequiredService<UsageRecorder>(), call));
    }

    /// <summary>Reserves each call below it from the host's budgets. The services come from
    /// <c>AddCoachUsage</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="call">Whose calls they are.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static ChatClientBuilder UseBudget(this ChatClientBuilder builder, UsageCallOptions call)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(call);
        return builder.Use((inner, services) => new BudgetChatClient(
            inner,
            services.GetRequiredService<IBudget>(),
            services.GetRequiredService<UsageRecorder>(),
            services.GetRequiredService<IOptions<CoachUsageOptions>>(),
            call,
            services.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Lets calls below it be paid with credits. The services come from <c>AddCoachUsage</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="account">Whose credits, such as <see cref="LedgerAccount.Credits"/>.</param>
    /// <param name="call">Whose calls they are.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static ChatClientBuilder UseCredits(this ChatClientBuilder builder, string account, UsageCallOptions call)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(account);
        ArgumentNullException.ThrowIfNull(call);
        return builder.Use((inner, services) =>
        {
            var recorder = services.GetRequiredService<UsageRecorder>();
            var estimate = new CallEstimate(
                recorder, services.GetRequiredService<IOptions<CoachUsageOptions>>().Value, call,
                inner.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata);
            return new CreditChatClient(
                inner,
                new CreditCall(
                    services.GetRequiredService<ICredits>(), recorder,
                    services.GetRequiredService<IOptions<CoachCreditOptions>>().Value, estimate, account));
        });
    }
}
