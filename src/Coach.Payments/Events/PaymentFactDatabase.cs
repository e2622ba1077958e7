using System.Data.Common;

namespace Coach.Payments;

/// <summary>"Do it once" in the host's own database: the fact's id and what is done for it are committed
/// together.</summary>
public static class PaymentFactDatabase
{
    /// <summary>
    /// Notes a fact's id in a table of the host's, within the host's transaction. When the transaction commits, the
    /// fact counts as done; when it does not, neither the note nor the work is there, and the fact comes again.
    /// </summary>
    /// <param name="fact">The fact.</param>
    /// <param name="transaction">The open transaction that the work is part of.</param>
    /// <param name="table">The table's name: 1 to 128 letters, digits, <c>_</c> and <c>.</c>. It needs a column
    /// <c>id</c> of 40 characters that is the primary key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True: do the work, then commit. False: it was done before; commit or roll back, and return.</returns>
    /// <exception cref="ArgumentException"><paramref name="table"/> is no such name, or the transaction is
    /// over.</exception>
    /// <exception cref="DbException">The database failed, or another transaction notes the same fact at this moment:
    /// let it pass, and the fact comes again.</exception>
    public static async Task<bool> TryBeginAsync(
        this PaymentFact fact, DbTransaction transaction, string table = "coach_payment_facts",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(fact);
        ArgumentNullException.ThrowIfNull(transaction);
        bool isName = table is { Length: > 0 and <= 128 }
            && table.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.');
        if (!isName)
        {
            throw new ArgumentException("A table's name has 1 to 128 letters, digits, '_' and '.'.", nameof(table));
        }

        DbConnection connection = transaction.Connection
            ?? throw new ArgumentException("The transaction is over.", nameof(transaction));
        DbCommand command = connection.CreateCommand();
        await using (command.ConfigureAwait(false))
        {
            command.Transaction = transaction;

            // Standard SQL that SQLite, PostgreSQL, SQL Server and MySQL take; the name was checked above.
#pragma warning disable CA2100 // the table's name has letters, digits, '_' and '.' alone
            command.CommandText = string.Concat(
                "INSERT INTO ", table, " (id) SELECT @id WHERE NOT EXISTS (SELECT 1 FROM ", table, " WHERE id = @id)");
#pragma warning restore CA2100
            DbParameter id = command.CreateParameter();
            id.ParameterName = "@id";
            id.Value = fact.Id;
            command.Parameters.Add(id);
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1;
        }
    }
}
