using Coach.Abstractions;
using Coach.Postgres.Connections;

namespace Coach.Postgres.Sessions;

/// <summary>Ended sessions in PostgreSQL, by the server's clock.</summary>
internal sealed class PostgresRevokedSessionStore(PostgresDatabase database) : IRevokedSessionStore
{
    public async ValueTask RevokeAsync(
        SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default) =>
        await database.ExecuteAsync(
            "end a session",
            """
            INSERT INTO {schema}.ended_session (session, until) SELECT $2, $3
            ON CONFLICT (session) DO UPDATE SET until = greatest(ended_session.until, excluded.until)
            """,
            [Sql.Bytes(session.Value), until.UtcTicks], cancellationToken).ConfigureAwait(false);

    public async ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        List<bool> found = await database.QueryAsync(
            "say whether a session was ended",
            $"SELECT true FROM {{schema}}.ended_session WHERE session = $2 AND until > {Sql.Now}",
            [Sql.Bytes(session.Value)], static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
        return found.Count > 0;
    }
}
