using Coach.Postgres.Connections;
using Coach.Postgres.Knowledge;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Postgres;

/// <summary>Makes the index of each replica from one log of documents.</summary>
public static class CoachPostgresRagBuilderExtensions
{
    /// <summary>
    /// Reads the documents of a log in PostgreSQL (<see cref="PostgresKnowledgeLog"/>): this replica makes its own
    /// index file from it, follows its changes, and answers from the file while the database is away. A text is
    /// embedded by one replica, and the others take its vector. Needs <c>AddCoachPostgres</c>.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="knowledgeBase">Which one of the log; 1 to 200 characters.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The name is null, blank or too long.</exception>
    public static CoachRagBuilder UsePostgres(this CoachRagBuilder builder, string knowledgeBase = "default")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(knowledgeBase);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(knowledgeBase.Length, 200);
        return builder.WithSource(provider => new PostgresKnowledgeSource(
            provider.GetRequiredService<PostgresDatabase>(), knowledgeBase,
            provider.GetRequiredService<TimeProvider>()));
    }
}
