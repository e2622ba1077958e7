using Coach.Abstractions;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class AbstractionsSnippets
{
    public static void Manifest(IServiceCollection services)
    {
        #region manifest
        services.AddCoachSecrets(secrets => secrets.Manifest
            .Require("STRIPE_API_KEY")
            .Optional("GEMINI_API_KEY").Alias("GEMINI_API_KEY", "GOOGLE_API_KEY"));
        #endregion
    }

    public static void Redaction(ISecretSource secrets)
    {
        #region redaction
        Secret key = secrets.Get("STRIPE_API_KEY", RunMode.Real);
        Console.WriteLine($"using {key}, fingerprint {key.Fingerprint}"); // using ***, fingerprint 9f86d081884c7d65
        #endregion
    }
}
