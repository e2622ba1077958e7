using Coach.Testing.Stores;
using Coach.Usage;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IAuditLog"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class AuditLogContract
{
    private static readonly ContractSuite<IAuditLog> Suite = new(new(StringComparer.Ordinal)
    {
        ["Append_IsReadInOrder_WithoutNames"] = AppendAsync,
        ["Append_ManyAtOnce_StandInOneChain"] = RaceAsync,
        ["Append_OutOfRange_IsRefused"] = RangesAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store; what it holds already does not matter, the check's names are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IAuditLog store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task AppendAsync(
        IAuditLog log, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string subject = Contract.Tag();
        var entered = new AuditEvent
        {
            Kind = AuditEventKind.KeyEntered,
            Subject = subject,
            Name = "gemini",
            Detail = "0123456789abcdef",
        };
        AuditEntry first = await log.AppendAsync(entered, cancellationToken).ConfigureAwait(false);
        AuditEntry second = await log.AppendAsync(
            entered with { Kind = AuditEventKind.Settled, Micros = 5, Reference = "r" }, cancellationToken)
            .ConfigureAwait(false);
        IReadOnlyList<AuditEntry> read =
            await log.ReadAsync(first.Sequence - 1, 2, cancellationToken).ConfigureAwait(false);
        Contract.Holds(read.SequenceEqual([first, second]), "what is read is what was kept, in its order");
        Contract.Holds(
            first.Subject == second.Subject && first.Subject != subject, "a subject is known again, and not named");
        Contract.Holds(
            await log.VerifyAsync(cancellationToken).ConfigureAwait(false) is null, "an untouched log is whole");
    }

    private static async Task RaceAsync(
        IAuditLog log, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        AuditEntry[] all = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(
            () => log.AppendAsync(
                new AuditEvent { Kind = AuditEventKind.Credited, Subject = "s", Micros = i }, cancellationToken)
                .AsTask(),
            cancellationToken))).ConfigureAwait(false);
        Contract.Holds(all.Select(entry => entry.Sequence).Distinct().Count() == 50, "each has its own place");
        Contract.Holds(
            await log.VerifyAsync(cancellationToken).ConfigureAwait(false) is null, "and all stand in one chain");
    }

    private static async Task RangesAsync(
        IAuditLog log, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        var good = new AuditEvent { Kind = AuditEventKind.Credited, Subject = "s" };
        AuditEvent[] wrong =
        [
            good with { Kind = AuditEventKind.None },
            good with { Subject = "" },
            good with { Name = new string('n', 65) },
            good with { Detail = new string('d', 65) },
            good with { Reference = new string('r', 201) },
        ];
        foreach (AuditEvent auditEvent in wrong)
        {
            bool isRefused = false;
            try
            {
                await log.AppendAsync(auditEvent, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, "a value out of its range is refused");
        }
    }
}
