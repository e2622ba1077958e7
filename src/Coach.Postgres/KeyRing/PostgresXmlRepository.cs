using System.Xml.Linq;
using Coach.Postgres.Connections;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;

namespace Coach.Postgres.KeyRing;

/// <summary>The Data Protection key ring in PostgreSQL. Its callers keep what they read, and wait for it.</summary>
internal sealed class PostgresXmlRepository(PostgresDatabase database) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements() => Wait(async (connection, token) =>
        (await database.ReadAsync(
            connection, "SELECT xml FROM {schema}.key_ring ORDER BY id", [],
            static row => XElement.Parse(row.GetString(0)), token).ConfigureAwait(false)).AsReadOnly());

    public void StoreElement(XElement element, string friendlyName)
    {
        ArgumentNullException.ThrowIfNull(element);
        Wait(async (connection, token) =>
        {
            NpgsqlCommand command = database.Command(
                connection, "INSERT INTO {schema}.key_ring (name, xml) SELECT $2, $3",
                [Sql.Bytes(friendlyName ?? ""), element.ToString(SaveOptions.DisableFormatting)]);
            await using (command.ConfigureAwait(false))
            {
                return await command.ExecuteNonQueryAsync(token).ConfigureAwait(false);
            }
        });
    }

    private T Wait<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> call) =>
        Task.Run(async () => await database.CallAsync("read or write the key ring", call, CancellationToken.None)
            .ConfigureAwait(false)).GetAwaiter().GetResult();
}
