using System.Net.Sockets;
using Coach.Postgres.Connections;
using Npgsql;

namespace Coach.Postgres.Tests.Connections;

public sealed class PostgresFailuresTests
{
    [Theory]
    [InlineData("25006", "it only reads", true)]
    [InlineData("53300", "it has too many connections", false)]
    [InlineData("53100", "its disk is full", false)]
    [InlineData("53200", "its memory is full", false)]
    [InlineData("57014", "it ended a statement that took too long", false)]
    [InlineData("57P01", "it is shutting down", true)]
    [InlineData("57P02", "it is shutting down", true)]
    [InlineData("57P03", "it is starting up", true)]
    [InlineData("3D000", "there is no such database", false)]
    [InlineData("28P01", "it does not accept the user or the password", false)]
    [InlineData("42501", "its role may not do this", false)]
    [InlineData("42P01", "its tables are not up to date", false)]
    [InlineData("26000", "a pooler before it mixes up prepared statements", false)]
    [InlineData("40P01", "others held what was asked for", false)]
    [InlineData("08006", "the connection broke", false)]
    [InlineData("23505", "it refused a statement", false)]
    public void Explain_AState_SaysWhatItMeans_AndNothingOfItsText(string state, string meaning, bool isOfAll)
    {
        var failure = new PostgresException("secret text", "ERROR", "ERROR", state);
        string said = PostgresFailures.Explain(failure)!;
        Assert.StartsWith(meaning, said, StringComparison.Ordinal);
        Assert.EndsWith($" (SQLSTATE {state})", said, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", said, StringComparison.Ordinal);
        Assert.Equal(isOfAll, PostgresFailures.IsOfAllConnections(failure));
    }

    [Fact]
    public void Explain_AConnection_SaysWhatBecameOfIt()
    {
        var full = new NpgsqlException("exhausted", new TimeoutException());
        Assert.StartsWith("no connection was free", PostgresFailures.Explain(full), StringComparison.Ordinal);
        Assert.False(PostgresFailures.IsOfAllConnections(full));
        var refused = new NpgsqlException("refused", new SocketException());
        Assert.Equal("it cannot be reached", PostgresFailures.Explain(refused));
        Assert.True(PostgresFailures.IsOfAllConnections(refused));
        Assert.Equal(
            "the connection broke", PostgresFailures.Explain(new NpgsqlException("read", new IOException())));
        Assert.Null(PostgresFailures.Explain(new InvalidOperationException()));
    }
}
