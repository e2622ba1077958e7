using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class RagDocumentsSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region register
        services.AddCoachRag()
            .WithDocumentReaders()
            .WithSource("documents");
        #endregion
    }
}
