using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Tests.Tabs;

public sealed class TabServiceTests : IDisposable
{
    private readonly PaymentHost _host = new();

    private ITabs Tabs => _host.Services.GetRequiredService<ITabs>();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Close_LinesAndTip_AsksForTheirSumOnce()
    {
        await AddAsync("beer", 450, 2);
        await AddAsync("nuts", 350);
        await Tabs.SetTipAsync("guest", "t1", 12.5m, null);

        PaymentLink link = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));
        PaymentLink again = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));

        Assert.Equal(1406, link.Amount.MinorUnits);
        Assert.Equal(link.Id, again.Id);
        Assert.Single(_host.Fake.Links);
        Assert.Equal("tab:t1", link.Reference);
    }

    [Fact]
    public async Task LineAddedWhileTheBillIsOpen_ClosesTheOldLinkAndBillsBoth()
    {
        await AddAsync("beer", 450);
        PaymentLink first = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));
        await AddAsync("wine", 700);
        PaymentLink second = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));

        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(1150, second.Amount.MinorUnits);
        Assert.False(_host.Fake.Links[0].IsActive);
    }

    [Fact]
    public async Task LineAddedBeforeTheOldBillWasPaid_StaysUnpaidAndOnlyItIsBilled()
    {
        await AddAsync("beer", 450);
        PaymentLink first = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));
        await AddAsync("wine", 700);
        _host.Fake.Pay(first.Id);

        PaymentLink second = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));
        Tab tab = (await Tabs.FindAsync("guest", "t1"))!;

        Assert.Equal(700, second.Amount.MinorUnits);
        Assert.Equal([true, false], tab.Lines.Select(line => line.IsPaid));
    }

    [Fact]
    public async Task PaidBill_IsSettledOnceAndTheTabGoesOn()
    {
        await AddAsync("beer", 450);
        PaymentLink link = await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));
        _host.Fake.Pay(link.Id);
        await _host.RunAsync(_host.Links.GetStatusAsync(link.Id));

        Tab settled = (await Tabs.FindAsync("guest", "t1"))!;
        Tab again = (await Tabs.FindAsync("guest", "t1"))!;
        Tab more = await AddAsync("water", 200);

        Assert.Equal((0L, settled.Version), (settled.Total.MinorUnits, again.Version));
        Assert.Equal(200, more.Total.MinorUnits);
        Assert.Null(await Tabs.FindAsync("somebody else", "t1"));
    }

    [Fact]
    public async Task SameLineTwiceAndManyAtOnce_AreEachOnceOnTheTab()
    {
        Task adds = Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            Tabs.AddLineAsync("guest", "t1", new TabLine($"line-{i / 2}", "Beer", Money.Create(100, "usd"))))));
        while (!adds.IsCompleted)
        {
            await Task.Yield();
            _host.Clock.Advance(TimeSpan.FromMilliseconds(5)); // those that met wait a moment
        }

        await adds;
        Assert.Equal(4, (await Tabs.FindAsync("guest", "t1"))!.Lines.Count);
    }

    [Fact]
    public async Task TryAddLine_ManyAtOnce_NeverComeToMoreThanTheLimitWithTheTip()
    {
        await AddAsync("beer", 100);
        await Tabs.SetTipAsync("guest", "t1", 10m, null);
        Task<Tab?[]> adds = Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Tabs.TryAddLineAsync(
            "guest", "t1", new TabLine($"line-{i}", "Beer", Money.Create(100, "usd")), 550))));
        while (!adds.IsCompleted)
        {
            await Task.Yield();
            _host.Clock.Advance(TimeSpan.FromMilliseconds(5)); // those that met wait a moment
        }

        Assert.Equal(4, (await adds).Count(tab => tab is not null));
        Tab tab = (await Tabs.FindAsync("guest", "t1"))!;
        Assert.Equal(550, tab.Total.MinorUnits);
        Assert.NotNull(await Tabs.TryAddLineAsync("guest", "t1", tab.Lines[^1], 550)); // asked again, it is there
        Assert.Null(await Tabs.TryAddLineAsync("new", "t2", new TabLine("a", "Beer", Money.Create(100, "usd")), 99));
        Assert.Null(await Tabs.FindAsync("new", "t2"));
    }

    [Theory]
    [InlineData("t 1", 100, "usd")]
    [InlineData("t1", 0, "usd")]
    [InlineData("t1", 100, "eur")]
    [InlineData("t1", 99_999_999, "usd")]
    public async Task WrongLine_IsRefusedAndChangesNothing(string tab, long units, string currency)
    {
        await AddAsync("beer", 450);

        PaymentException refused = await Assert.ThrowsAsync<PaymentException>(() =>
            Tabs.AddLineAsync("guest", tab, new TabLine("x", "Wine", Money.Create(units, currency))));

        Assert.Equal(PaymentError.RequestInvalid, refused.Error);
        Assert.Single((await Tabs.FindAsync("guest", "t1"))!.Lines);
    }

    [Fact]
    public async Task RemoveLine_UnbilledOnly()
    {
        await AddAsync("beer", 450);
        await AddAsync("wine", 700);
        Tab tab = await Tabs.RemoveLineAsync("guest", "t1", "beer");
        await _host.RunAsync(Tabs.CloseAsync("guest", "t1"));

        Assert.Equal("wine", Assert.Single(tab.Lines).Id);
        await Assert.ThrowsAsync<PaymentException>(() => Tabs.RemoveLineAsync("guest", "t1", "wine"));
    }

    private Task<Tab> AddAsync(string id, long units, int quantity = 1) =>
        Tabs.AddLineAsync("guest", "t1", new TabLine(id, id, Money.Create(units, "usd"), quantity));
}
