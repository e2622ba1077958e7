using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class PaymentsMcpSnippets
{
    public static void Hosted(IServiceCollection services)
    {
        #region hosted
        services.AddCoachPayments()
            .UseStripeMcp(mcp => mcp.Url = new Uri("https://mcp.stripe.com"))
            .WithReconciliation();
        #endregion
    }

    public static void Child(IServiceCollection services)
    {
        #region child
        services.AddCoachPayments()
            .UseStripeMcp(mcp =>
            {
                mcp.Command = "npx";
                mcp.Arguments = ["-y", "@stripe/mcp@0.2.5", "--tools=all"];
            });
        #endregion
    }
}
