using System.Security.Cryptography;
using Coach.Postgres.Connections;
using Npgsql;

namespace Coach.Postgres.Knowledge;

/// <summary>
/// Hints that a log of documents has grown, on a connection of their own that no pooler stands before. One that is lost
/// costs the time to the next look and nothing else: who waits looks for himself, hint or not.
/// </summary>
internal sealed class KnowledgeHints : IAsyncDisposable
{
    public const string Channel = "coach_knowledge";

    private const int ConnectSeconds = 2;
    private const int KeepAliveSeconds = 30;

    private readonly NpgsqlConnection _connection;
    private readonly TimeProvider _time;
    private readonly string _hint;
    private bool _isHinted;

    private KnowledgeHints(NpgsqlConnection connection, string hint, TimeProvider time)
    {
        (_connection, _hint, _time) = (connection, hint, time);
        connection.Notification += (_, told) => _isHinted |= told.Payload == _hint;
    }

    /// <summary>What is said of a log: names may hold what no text of PostgreSQL can.</summary>
    public static string HintOf(string schema, string knowledgeBase) =>
        schema + ":" + Convert.ToHexStringLower(SHA256.HashData(Sql.Bytes(knowledgeBase)).AsSpan(0, 16));

    /// <summary>Listens.</summary>
    /// <returns>Null where nobody answers there.</returns>
    public static async Task<KnowledgeHints?> TryListenAsync(
        string connectionString, string hint, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            IncludeErrorDetail = false,
            Pooling = false,
            Timeout = ConnectSeconds,
            KeepAlive = KeepAliveSeconds,
        };
        settings.ApplicationName ??= "coach listens";
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            NpgsqlCommand command = connection.CreateCommand();
            await using (command.ConfigureAwait(false))
            {
                command.CommandText = "LISTEN " + Channel;
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }

            return new KnowledgeHints(connection, hint, time);
        }
        catch (Exception exception) when (IsAway(exception))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits for a hint.</summary>
    /// <param name="most">The longest wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the connection can be listened on still.</returns>
    public async Task<bool> WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        _isHinted = false;
        long start = _time.GetTimestamp();
        try
        {
            while (!_isHinted)
            {
                TimeSpan left = most - _time.GetElapsedTime(start);
                if (left <= TimeSpan.Zero
                    || !await _connection.WaitAsync(left, cancellationToken).ConfigureAwait(false))
                {
                    break;
                }
            }

            return true;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static bool IsAway(Exception exception) => exception is NpgsqlException or IOException or TimeoutException;
}
