using Coach.Payments;
using Coach.Postgres.Connections;

namespace Coach.Postgres.Payments;

/// <summary>Tabs in PostgreSQL, for all replicas; a write is a compare-and-swap on the version.</summary>
internal sealed class PostgresTabStore(PostgresDatabase database) : ITabStore
{
    public async ValueTask<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentNullException.ThrowIfNull(id);
        List<Tab> found = await database.QueryAsync(
            "read a tab",
            "SELECT body, version FROM {schema}.tab WHERE owner = $2 AND id = $3",
            [Sql.Bytes(owner), Sql.Bytes(id)],
            static row => TabSerializer.Deserialize(row.GetFieldValue<byte[]>(0)) with { Version = row.GetInt64(1) },
            cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public async ValueTask<Tab?> TryPutAsync(Tab tab, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tab);
        Tab stored = tab with { Version = tab.Version + 1 };
        string sql = tab.Version == 0
            ? $"INSERT INTO {{schema}}.tab (owner, id, version, updated_at, body) VALUES ($2, $3, $4 + 1, {Sql.Now}, $5) "
                + "ON CONFLICT DO NOTHING"
            : $"UPDATE {{schema}}.tab SET version = version + 1, updated_at = {Sql.Now}, body = $5 "
                + "WHERE owner = $2 AND id = $3 AND version = $4";
        int written = await database.ExecuteAsync(
            "write a tab", sql, [Sql.Bytes(tab.Owner), Sql.Bytes(tab.Id), tab.Version, TabSerializer.Serialize(stored)],
            cancellationToken).ConfigureAwait(false);
        return written == 1 ? stored : null;
    }
}
