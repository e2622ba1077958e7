using System.Net.Sockets;
using Npgsql;

namespace Coach.Postgres.Connections;

/// <summary>
/// What PostgreSQL's errors mean for whoever runs the host, by their SQLSTATE. Their texts are not repeated.
/// </summary>
internal static class PostgresFailures
{
    /// <summary>What a server says that only reads.</summary>
    public const string ReadOnly = "25006";

    /// <summary>Says what a failure means; null where that is not known.</summary>
    public static string? Explain(Exception exception) => exception switch
    {
        PostgresException postgres => OfState(postgres.SqlState),
        NpgsqlException { InnerException: TimeoutException } =>
            "no connection was free or made in time: raise Maximum Pool Size, or look for what holds them",
        NpgsqlException { InnerException: SocketException } => "it cannot be reached",
        NpgsqlException { InnerException: IOException } => "the connection broke",
        NpgsqlException { InnerException: PostgresException inner } => OfState(inner.SqlState),
        _ => null,
    };

    /// <summary>
    /// Whether the server went away or is not the primary any more, so that connections which wait in the pool lead
    /// nowhere either.
    /// </summary>
    public static bool IsOfAllConnections(NpgsqlException exception) => exception switch
    {
        PostgresException postgres => postgres.SqlState is ReadOnly or "57P01" or "57P02" or "57P03",
        _ => exception.InnerException is not TimeoutException,
    };

    private static string OfState(string state)
    {
        string meaning = state switch
        {
            ReadOnly => "it only reads: a failover is under way, or ConnectionStrings:Coach names a standby",
            "53300" => "it has too many connections: lower Maximum Pool Size, or put PgBouncer before it",
            "53100" => "its disk is full",
            "53200" => "its memory is full",
            "57014" => "it ended a statement that took too long",
            "57P01" or "57P02" => "it is shutting down",
            "57P03" => "it is starting up",
            "3D000" => "there is no such database",
            "28P01" or "28000" => "it does not accept the user or the password",
            "42501" => "its role may not do this: see the README of Coach.Postgres",
            "42P01" or "3F000" or "42703" => "its tables are not up to date: see Coach:Postgres:Migrate",
            "26000" or "42P05" => "a pooler before it mixes up prepared statements",
            "40001" or "40P01" or "55P03" => "others held what was asked for",
            _ when state.StartsWith("08", StringComparison.Ordinal) => "the connection broke",
            _ => "it refused a statement",
        };
        return $"{meaning} (SQLSTATE {state})";
    }
}
