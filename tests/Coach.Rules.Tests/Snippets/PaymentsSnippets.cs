using Coach.Payments;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class PaymentsSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region payments-register
        services.AddCoachPayments()          // reads Coach:Payments, STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET
            .UseFileStore("payments.journal")
            .WithReconciliation();
        #endregion
    }

    public static void Told(IServiceCollection services)
    {
        #region payments-told
        services.AddCoachPayments()
            .WithReconciliation()
            .WithEventHandler(async (services, fact, cancellationToken) =>
            {
                if (fact.Kind == PaymentFactKind.Paid) // once a payment, whichever way the news came
                {
                    await services.GetRequiredService<IShop>().ShipAsync(fact.OperationKey, fact.Id, cancellationToken);
                }
            });
        #endregion
    }

    public static void Named(IServiceCollection services)
    {
        #region payments-named
        services.AddCoachPayments();                                       // IPaymentLinks
        services.AddCoachPayments("shop", shop =>                          // [FromKeyedServices("shop")] IPaymentLinks
        {
            shop.Stripe.ApiKeyName = "SHOP_STRIPE_API_KEY";                // the secret's name, never the key
            shop.Stripe.WebhookSecretName = "SHOP_STRIPE_WEBHOOK_SECRET";
        }).UseFileStore("shop.journal");
        #endregion
    }

    public static async Task Take(IPaymentLinks payments, CancellationToken cancellationToken)
    {
        #region payments-create
        Money tab = Money.Parse("12.50 USD");
        PaymentLink link = await payments.CreateAsync(new PaymentLinkRequest
        {
            OperationKey = "order-1042:1",   // the order and the attempt; never the time, never a random value
            Amount = tab.WithTip(20),
            Description = "Bar tab at table 4",
        }, cancellationToken);
        Console.WriteLine($"{link.Amount} at {link.Url}, simulated: {link.IsSimulated}");

        link = await payments.WaitAsync(link.Id, cancellationToken);
        Console.WriteLine(link.Status == PaymentStatus.Succeeded ? "paid" : "not yet");
        #endregion
    }

    public static async Task<int> Webhook(IPaymentWebhooks webhooks, byte[] rawBody, string? signature, CancellationToken cancellationToken)
    {
        #region payments-webhook
        try
        {
            WebhookOutcome outcome = await webhooks.HandleAsync(rawBody, signature, cancellationToken);
            return 200; // whatever it did: applied, duplicate, unmatched or ignored
        }
        catch (PaymentException exception) when (exception.Error == PaymentError.WebhookInvalid)
        {
            return 400;
        }
        #endregion
    }

    public static async Task Settle(IPaymentLinks payments, CancellationToken cancellationToken)
    {
        #region payments-reconcile
        ReconciliationReport report = await payments.ReconcileAsync(cancellationToken);
        Console.WriteLine($"{report.Settled} settled, {report.Remaining} still open");
        #endregion
    }

    public static async Task SettleByHand(IPaymentLinks payments, CancellationToken cancellationToken)
    {
        #region payments-settle
        await payments.SettleAsync(new PaymentSettlement
        {
            OperationKey = "order-1042:1",
            LinkId = "plink_1Q2w3E",                                  // leave both out where no link was made:
            Url = new Uri("https://buy.stripe.com/test_1Q2w3E"),      // then the key makes one when it is asked again
        }, cancellationToken);
        #endregion
    }

    private interface IShop
    {
        Task ShipAsync(string order, string once, CancellationToken cancellationToken);
    }
}
