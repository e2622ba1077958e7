using System.Globalization;
using Coach.Payments.Idempotency;

namespace Coach.Payments.Tabs;

/// <summary>The service behind <see cref="ITabs"/>: every change is a compare-and-swap on the tab, and the link of a
/// bill follows from the tab's name and the bill's number, so that no bill has two.</summary>
internal sealed class TabService(ITabStore store, IPaymentLinks links, TimeProvider time) : ITabs
{
    private const int MostLines = 500;
    private const int MostRounds = 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    public async Task<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        Tab? tab = await FindStoredAsync(owner, id, cancellationToken).ConfigureAwait(false);
        return tab is null ? null : await SettleAsync(tab, cancellationToken).ConfigureAwait(false);
    }

    public async Task<Tab> AddLineAsync(
        string owner, string id, TabLine line, CancellationToken cancellationToken = default)
    {
        Tab? tab = await TryAddLineAsync(owner, id, line, long.MaxValue, cancellationToken).ConfigureAwait(false);
        return tab!; // no limit, no refusal
    }

    public Task<Tab?> TryAddLineAsync(
        string owner, string id, TabLine line, long mostMinorUnits, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        ArgumentNullException.ThrowIfNull(line);
        if (id is not { Length: >= 1 and <= 64 }
            || !id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            throw PaymentException.Invalid("A tab's name has 1 to 64 letters, digits, '_' and '-'.");
        }

        bool isLine = line.Id is { Length: >= 1 and <= 64 } && line.Description is { Length: >= 1 and <= 250 }
            && !line.Description.Any(char.IsControl) && line.Quantity is >= 1 and <= 10_000
            && line.UnitPrice is { IsEmpty: false, IsZero: false };
        if (!isLine)
        {
            throw PaymentException.Invalid("A tab's line needs a name, a description of 1 to 250 characters, a price of "
                + "more than 0 and a quantity of 1 to 10,000.");
        }

        return TryChangeAsync(owner, id, known =>
        {
            Tab tab = known ?? new Tab { Id = id, Owner = owner, Currency = line.UnitPrice.Currency };
            if (tab.Lines.Any(other => other.Id == line.Id))
            {
                return tab;
            }

            if (tab.Currency != line.UnitPrice.Currency || tab.Lines.Count >= MostLines)
            {
                throw PaymentException.Invalid(
                    $"The tab takes lines in {tab.Currency}, at most {MostLines}. Open another one.");
            }

            Tab changed = Checked(tab with { Lines = [.. tab.Lines, line with { Bill = null, IsPaid = false }] });
            return changed.Total.MinorUnits <= mostMinorUnits ? changed : null;
        }, cancellationToken);
    }

    public Task<Tab> RemoveLineAsync(
        string owner, string id, string lineId, CancellationToken cancellationToken = default) =>
        ChangeAsync(owner, id, tab =>
        {
            TabLine? line = tab?.Lines.FirstOrDefault(other => other.Id == lineId);
            if (tab is null || line is null || line.IsPaid || line.Bill is not null)
            {
                throw PaymentException.Invalid("There is no such unpaid line that is on no bill.");
            }

            return tab with { Lines = [.. tab.Lines.Where(other => other.Id != lineId)] };
        }, cancellationToken);

    public Task<Tab> SetTipAsync(
        string owner, string id, decimal? percent, Money? amount, CancellationToken cancellationToken = default)
    {
        if (percent is < 0 or > 100 || (percent is not null && amount is not null))
        {
            throw PaymentException.Invalid("A tip is a percentage of 0 to 100, or an amount, not both.");
        }

        return ChangeAsync(owner, id, tab =>
        {
            if (tab is null || (amount is { } tip && tip.Currency != tab.Currency))
            {
                throw PaymentException.Invalid("There is no such tab in this currency.");
            }

            return tab.TipPercent == percent && tab.TipAmount == amount
                ? tab
                : Checked(tab with { TipPercent = percent, TipAmount = amount });
        }, cancellationToken);
    }

    public async Task<PaymentLink> CloseAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        for (int round = 0; round < MostRounds; round++)
        {
            Tab tab = await FindAsync(owner, id, cancellationToken).ConfigureAwait(false)
                ?? throw PaymentException.Invalid("There is no such tab.");
            if (tab.Total.IsZero)
            {
                throw PaymentException.Invalid("Nothing on the tab is unpaid.");
            }

            bool isBilled = tab.Billed == tab.Total
                && tab.Lines.All(line => line.IsPaid || line.Bill == tab.Bills);
            if (tab.Billed is not null && !isBilled)
            {
                await WithdrawAsync(tab, cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (!isBilled)
            {
                // The bill is on the tab before its link exists: whoever dies in between leaves a bill that is resumed.
                int bill = tab.Bills + 1;
                Tab billed = tab with
                {
                    Bills = bill,
                    Billed = tab.Total,
                    LinkId = null,
                    Lines = [.. tab.Lines.Select(line => line.IsPaid ? line : line with { Bill = bill })],
                };
                if (await PutAsync(billed, cancellationToken).ConfigureAwait(false) is not { } stored)
                {
                    continue;
                }

                tab = stored;
            }

            PaymentLink link = await links.CreateAsync(RequestOf(tab), cancellationToken).ConfigureAwait(false);
            if (tab.LinkId == link.Id)
            {
                return link;
            }

            if (await PutAsync(tab with { LinkId = link.Id }, cancellationToken).ConfigureAwait(false)
                is not null)
            {
                return link;
            }
        }

        throw PaymentException.InProgress(null);
    }

    // The bill no longer says what is unpaid. Its link is closed at the provider before another is made; was it paid
    // meanwhile, its lines are settled instead.
    private async Task WithdrawAsync(Tab tab, CancellationToken cancellationToken)
    {
        PaymentLink link = await links.CreateAsync(RequestOf(tab), cancellationToken).ConfigureAwait(false);
        if (!link.IsFinal)
        {
            link = await links.DeactivateAsync(link.Id, cancellationToken).ConfigureAwait(false);
        }

        if (link.Status == PaymentStatus.Processing)
        {
            throw PaymentException.Invalid("A payment of the tab is on its way; wait until it has arrived or failed.");
        }

        Tab changed = link.Status == PaymentStatus.Succeeded ? Paid(tab) : Unbilled(tab);
        await PutAsync(changed, cancellationToken).ConfigureAwait(false);
    }

    // What the records say of the bill's link. No request: webhooks, polls and reconciliation keep the records.
    private async Task<Tab> SettleAsync(Tab tab, CancellationToken cancellationToken)
    {
        if (tab.LinkId is not { } id
            || await links.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { IsFinal: true } link)
        {
            return tab;
        }

        Tab changed = link.Status == PaymentStatus.Succeeded ? Paid(tab) : Unbilled(tab);
        return await PutAsync(changed, cancellationToken).ConfigureAwait(false)
            ?? await FindStoredAsync(tab.Owner, tab.Id, cancellationToken).ConfigureAwait(false) ?? changed;
    }

    private static Tab Paid(Tab tab) => tab with
    {
        Lines = [.. tab.Lines.Select(line => line.Bill == tab.Bills ? line with { IsPaid = true } : line)],
        LinkId = null,
        Billed = null,
        TipAmount = null,
        TipPercent = null,
    };

    private static Tab Unbilled(Tab tab) => tab with
    {
        Lines = [.. tab.Lines.Select(line => line.IsPaid ? line : line with { Bill = null })],
        LinkId = null,
        Billed = null,
    };

    private static PaymentLinkRequest RequestOf(Tab tab) => new()
    {
        OperationKey = string.Create(CultureInfo.InvariantCulture, $"tab-{tab.Id}:{tab.Bills}"),
        Amount = tab.Billed!.Value,
        Description = string.Create(CultureInfo.InvariantCulture, $"Tab {tab.Id}, bill {tab.Bills}"),
        Owner = tab.Owner,
        Reference = string.Create(CultureInfo.InvariantCulture, $"tab:{tab.Id}"),
    };

    private static Tab Checked(Tab tab)
    {
        try
        {
            _ = tab.Total;
            return tab;
        }
        catch (OverflowException)
        {
            throw PaymentException.Invalid("The tab would come to more than can be charged at once.");
        }
    }

    private async Task<Tab> ChangeAsync(
        string owner, string id, Func<Tab?, Tab> change, CancellationToken cancellationToken) =>
        (await TryChangeAsync(owner, id, change, cancellationToken).ConfigureAwait(false))!;

    // Null where the change gives none, and nothing is changed.
    private async Task<Tab?> TryChangeAsync(
        string owner, string id, Func<Tab?, Tab?> change, CancellationToken cancellationToken)
    {
        for (int round = 0; round < MostRounds; round++)
        {
            Tab? tab = await FindAsync(owner, id, cancellationToken).ConfigureAwait(false);
            Tab? changed = change(tab);
            if (changed is null || ReferenceEquals(changed, tab))
            {
                return changed;
            }

            if (await PutAsync(changed, cancellationToken).ConfigureAwait(false) is { } stored)
            {
                return stored;
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }

        throw PaymentException.InProgress(null);
    }

    private ValueTask<Tab?> FindStoredAsync(string owner, string id, CancellationToken cancellationToken) =>
        TryAsync(static (store, key, token) => store.FindAsync(key.Owner, key.Id, token), (Owner: owner, Id: id),
            cancellationToken);

    private ValueTask<Tab?> PutAsync(Tab tab, CancellationToken cancellationToken) =>
        TryAsync(static (store, tab, token) => store.TryPutAsync(tab, token), tab, cancellationToken);

    // A store that is away is no fault of the guest's.
    private async ValueTask<Tab?> TryAsync<TState>(
        Func<ITabStore, TState, CancellationToken, ValueTask<Tab?>> call, TState state,
        CancellationToken cancellationToken)
    {
        try
        {
            return await call(store, state, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreFullException exception)
        {
            throw PaymentException.Unavailable(exception.Message);
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }
    }
}
