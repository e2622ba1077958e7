using Coach.AspNetCore.Credits;
using Coach.AspNetCore.Usage;
using Coach.Llm;
using Coach.Payments;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Sells credits.</summary>
public static class CoachCreditsExtensions
{
    /// <summary>
    /// Lets people buy credits through payment links and pay for answers with them: payment facts become entries of
    /// the ledger, each once; each turn is reserved from the balance and settled. Options come from the section
    /// <c>Coach:Credits</c>. Calling it twice is harmless.
    /// </summary>
    /// <param name="coach">What <c>AddCoach</c> returned.</param>
    /// <param name="configure">Changes what is on sale.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="coach"/> is null.</exception>
    /// <remarks>
    /// Money that is kept needs stores that last: <c>AddCoachSqlite</c> on one machine, <c>AddCoachPostgres</c> for
    /// replicas; where replicas share sessions and no such store the host does not start.
    /// </remarks>
    public static CoachBuilder AddCredits(this CoachBuilder coach, Action<CoachCreditPackOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(coach);
        OptionsBuilder<CoachCreditPackOptions> options =
            coach.Services.AddOptions<CoachCreditPackOptions>().ValidateOnStart();
        if (!coach.Services.Any(service => service.ServiceType == typeof(CreditEndpoints)))
        {
            options.BindConfiguration("Coach:Credits");
            coach.Services.TryAddEnumerable(ServiceDescriptor
                .Singleton<IValidateOptions<CoachCreditPackOptions>, CoachCreditPackOptionsValidator>());
            coach.Services.TryAddSingleton<CreditSettings>();
            coach.Services.TryAddSingleton<CreditEndpoints>();
            coach.Payments.WithCredits();
            coach.Chat.Use(ChatStage.Tools, ChatStagePlace.Before, UsageStages.WithCredits);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return coach;
    }

    /// <summary>
    /// Turns facts of payments whose reference is <c>credits:{pack}:{micro-units}:{caller's key}</c> into credits, each
    /// once. <see cref="AddCredits"/> does so; this is for hosts that sell in a way of their own.
    /// </summary>
    /// <param name="payments">The payments that sell them.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="payments"/> is null.</exception>
    public static CoachPaymentsBuilder WithCredits(this CoachPaymentsBuilder payments)
    {
        ArgumentNullException.ThrowIfNull(payments);
        return payments.WithEventHandler(provider => new CreditPaymentHandler(
            provider.GetRequiredService<ICredits>(), provider.GetRequiredService<IOptions<CoachCreditOptions>>()));
    }
}
