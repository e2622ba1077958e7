using Coach.Postgres;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Rules.Tests.Snippets;

internal static class StoreSnippets
{
    public static void Redis(WebApplicationBuilder builder)
    {
        #region redis
        builder.AddCoach().Llm.UseDistributedSessionKeys();
        builder.Services.AddCoachRedis();
        #endregion
    }

    public static void Postgres(WebApplicationBuilder builder)
    {
        #region postgres
        builder.AddCoach().Llm.UseDistributedSessionKeys();
        builder.Services.AddCoachPostgres();
        #endregion
    }

    public static void Knowledge(HostApplicationBuilder builder)
    {
        #region postgres-knowledge
        builder.Services.AddCoachRag().UseIndexFile("knowledge.coach").UsePostgres();
        #endregion
    }
}
