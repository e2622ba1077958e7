using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Usage;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Coach.Postgres.Hosting;

/// <summary>
/// Brings the tables up to date while the host starts, and removes what has expired while it runs. A database that is
/// away does not keep the host from starting.
/// </summary>
internal sealed class PostgresService(PostgresDatabase database, CoachPostgresOptions options, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await database.MigrateAsync(both.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is NpgsqlException and not PostgresException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The guard says so at the first call, which then brings the tables up to date.
        }

        await base.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what has expired. All replicas do it; what one has removed the next does not find.</summary>
    internal async Task PruneAsync(TimeSpan conversations, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            "remove expired conversations",
            $"DELETE FROM {{schema}}.conversation WHERE used_at <= {Sql.Now} - $2",
            [conversations.Ticks], cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync(
            "remove expired entries", $"DELETE FROM {{schema}}.cache WHERE expires_at <= {Sql.Now}", [],
            cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync(
            "remove expired marks", $"DELETE FROM {{schema}}.ended_session WHERE until <= {Sql.Now}", [],
            cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync(
            "remove expired claims", $"DELETE FROM {{schema}}.embedding_claim WHERE until <= {Sql.Now}", [],
            cancellationToken).ConfigureAwait(false);
        await new PostgresBudgetStore(database).PruneAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.PruneInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await PruneAsync(ConversationLifetime, stoppingToken).ConfigureAwait(false);
            }
            catch (StoreException)
            {
                // Its guard has said so; the next pass follows.
            }
        }
    }

    /// <summary>How long an idle conversation is kept.</summary>
    internal TimeSpan ConversationLifetime { get; init; } = TimeSpan.FromHours(1);
}
