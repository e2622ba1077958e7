using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class RagLanguagesSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region register
        services.AddCoachRag()
            .WithLanguages("de", "fr")
            .WithSource("docs");
        #endregion
    }
}
