using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Payments;

namespace Coach.Sqlite;

/// <summary>Tabs in a SQLite file.</summary>
public sealed class SqliteTabStore : ITabStore
{
    private readonly SqliteDatabase _database;

    /// <summary>Makes the store.</summary>
    /// <param name="database">The file.</param>
    public SqliteTabStore(SqliteDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        _database = database;
    }

    /// <inheritdoc />
    public ValueTask<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(owner);
        ArgumentNullException.ThrowIfNull(id);
        return ValueTask.FromResult(_database.Read(
            session => session.Scalar("SELECT json FROM tabs WHERE owner = $0 AND id = $1", owner, id) is string json
                ? JsonSerializer.Deserialize(json, TabJson.Default.TabRow)?.ToTab()
                : null,
            "read a tab"));
    }

    /// <inheritdoc />
    public async ValueTask<Tab?> TryPutAsync(Tab tab, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tab);
        Tab stored = tab with { Version = tab.Version + 1 };
        string json = JsonSerializer.Serialize(TabRow.Of(stored), TabJson.Default.TabRow);
        bool isStored = await _database.WriteAsync(
            session => tab.Version == 0
                ? session.Execute(
                    "INSERT INTO tabs (owner, id, version, json) VALUES ($0, $1, 1, $2) ON CONFLICT DO NOTHING",
                    tab.Owner, tab.Id, json) > 0
                : session.Execute(
                    "UPDATE tabs SET version = $3, json = $4 WHERE owner = $0 AND id = $1 AND version = $2",
                    tab.Owner, tab.Id, tab.Version, stored.Version, json) > 0,
            "write a tab", cancellationToken).ConfigureAwait(false);
        return isStored ? stored : null;
    }
}

/// <summary>A tab as the file holds it.</summary>
internal sealed record TabRow(
    string Id, string Owner, string Currency, long Version, TabRow.Line[] Lines, decimal? TipPercent, long? Tip,
    string? TipCurrency, int Bills, string? LinkId, long? Billed)
{
    public static TabRow Of(Tab tab) => new(
        tab.Id, tab.Owner, tab.Currency, tab.Version,
        [
            .. tab.Lines.Select(line => new Line(
                line.Id, line.Description, line.UnitPrice.MinorUnits, line.UnitPrice.Currency, line.Quantity, line.Bill,
                line.IsPaid)),
        ],
        tab.TipPercent, tab.TipAmount?.MinorUnits, tab.TipAmount?.Currency, tab.Bills, tab.LinkId,
        tab.Billed?.MinorUnits);

    public Tab ToTab() => new()
    {
        Id = Id,
        Owner = Owner,
        Currency = Currency,
        Version = Version,
        Lines =
        [
            .. Lines.Select(line => new TabLine(
                line.Id, line.Description, Money.Create(line.Price, line.Currency), line.Quantity)
            {
                Bill = line.Bill,
                IsPaid = line.IsPaid,
            }),
        ],
        TipPercent = TipPercent,
        TipAmount = Tip is { } tip ? Money.Create(tip, TipCurrency ?? Currency) : null,
        Bills = Bills,
        LinkId = LinkId,
        Billed = Billed is { } billed ? Money.Create(billed, Currency) : null,
    };

    internal sealed record Line(
        string Id, string Description, long Price, string Currency, int Quantity, int? Bill, bool IsPaid);
}

/// <summary>How a tab is written.</summary>
[JsonSerializable(typeof(TabRow))]
internal sealed partial class TabJson : JsonSerializerContext;
