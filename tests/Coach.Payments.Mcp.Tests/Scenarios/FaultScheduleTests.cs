using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Scenarios;

/// <summary>
/// Random schedules of faults at tool calls and connections, with restarts of the process in between. Whatever happens,
/// no operation gets two links or a link of a wrong amount, and every link that exists is known or marked.
/// </summary>
public sealed class FaultScheduleTests(ITestOutputHelper output)
{
    private const int Schedules = 96;
    private const int Seed = 1;

    private static readonly McpFault[] Faults = Enum.GetValues<McpFault>();
    private static readonly McpConnectFault[] ConnectFaults =
        [McpConnectFault.Refused, McpConnectFault.Silent, McpConnectFault.Closed];

    [Theory]
    [InlineData(McpGeneration.Named)]
    [InlineData(McpGeneration.Dispatcher)]
    [InlineData(McpGeneration.Execute)]
    public async Task CreateAsync_RandomFaultSchedules_NeverMakeTwoLinksOrLoseOne(object generation)
    {
        var total = new Tally();
        for (int schedule = 0; schedule < Schedules / 3; schedule++)
        {
            Tally tally =
                await RunAsync((McpGeneration)generation, Seed + (schedule * 3) + (int)(McpGeneration)generation);
            total += tally;
        }

        output.WriteLine(
            $"{{\"generation\":\"{generation}\",\"seed\":{Seed},\"schedules\":{Schedules / 3},\"operations\":{total.Operations},\"faults\":{total.Faults},"
            + $"\"created\":{total.Created},\"marked\":{total.Marked},\"duplicates\":{total.Duplicates},\"wrongAmount\":{total.WrongAmount},\"lost\":{total.Lost}}}");
        Assert.Equal((0, 0, 0), (total.Duplicates, total.WrongAmount, total.Lost));
        Assert.True(total.Faults > Schedules / 3, "the schedules hold faults");
        Assert.True(total.Created > 0);
    }

    private static async Task<Tally> RunAsync(McpGeneration generation, int seed)
    {
        var random = new Random(seed);
        var clock = new VirtualClock();
        var stripe = new StripeFake(options => options.Time = clock);
        await using var mcp = new McpFake(generation, stripe, McpHost.LiveKey);
        var store = new MemoryIdempotencyStore(clock);
        int faults = 0;
        bool isBroken = true;
        mcp.NextFault = _ =>
            isBroken && random.NextDouble() < 0.3 && ++faults > 0
                ? Faults[random.Next(1, Faults.Length)]
                : McpFault.None;
        mcp.NextConnectFault = _ =>
            isBroken && random.NextDouble() < 0.2 && ++faults > 0
                ? ConnectFaults[random.Next(ConnectFaults.Length)]
                : McpConnectFault.None;

        PaymentLinkRequest[] orders =
            [.. Enumerable.Range(1, 3).Select(i => McpHost.Order($"order-{seed}-{i}:1", 100 * random.Next(1, 500)))];
        var links = new Dictionary<string, PaymentLink>();
        McpHost host = NewHost();
        for (int round = 0; round < 4; round++)
        {
            foreach (PaymentLinkRequest order in orders)
            {
                await TryAsync(host, order, links, seed);
            }

            await host.RunAsync(host.Links.ReconcileAsync(TestContext.Current.CancellationToken));
            clock.Advance(TimeSpan.FromSeconds(random.Next(1, 900)));
            if (random.Next(2) == 0)
            {
                // The process restarts: records stay, the connection goes.
                mcp.BreakAll();
                await host.DisposeAsync();
                host = NewHost();
            }
        }

        isBroken = false;
        (int marked, int duplicates, int wrongAmount, int lost) = (0, 0, 0, 0);
        for (int round = 0; round < 3; round++)
        {
            clock.Advance(TimeSpan.FromMinutes(20));
            await host.RunAsync(host.Links.ReconcileAsync(TestContext.Current.CancellationToken));
        }

        foreach (PaymentLinkRequest order in orders)
        {
            bool isMarked = !await TryAsync(host, order, links, seed, isLast: true);
            StripeFakeLink[] made = [.. stripe.Links.Where(
                link =>
                    stripe.Prices.First(price => price.Id == link.Lines[0].PriceId).ProductName == order.Description)];
            Assert.True(isMarked || made.Length >= 1, $"seed {seed}: {order.OperationKey} is done without a link");
            duplicates += Math.Max(0, made.Length - 1);
            wrongAmount += made.Count(link => link.AmountTotal != order.Amount.MinorUnits || link.Currency != "usd");
            lost += !isMarked && !made.Any(link => link.Id == links[order.OperationKey].Id) ? 1 : 0;
            Assert.True(generation == McpGeneration.Named
                || !isMarked, $"seed {seed}: {order.OperationKey} was not settled");
            marked += isMarked ? 1 : 0;
        }

        await host.DisposeAsync();
        return new Tally(orders.Length, faults, stripe.Links.Count, marked, duplicates, wrongAmount, lost);

        McpHost NewHost() => new(mcp, clock, McpHost.LiveKey, store);
    }

    private static async Task<bool> TryAsync(
        McpHost host, PaymentLinkRequest order, Dictionary<string, PaymentLink> links, int seed, bool isLast = false)
    {
        try
        {
            PaymentLink link = await host.CreateAsync(order);
            Assert.False(link.IsSimulated, $"seed {seed}: a live key never gets a simulated link");
            Assert.True(
                links.GetValueOrDefault(order.OperationKey, link).Id == link.Id,
                $"seed {seed}: another link than before");
            links[order.OperationKey] = link;
            return true;
        }
        catch (PaymentException exception) when (
            exception.Error is PaymentError.Uncertain || (!isLast && exception.Error is PaymentError.Unavailable))
        {
            return false;
        }
    }

    private sealed record Tally(
        int Operations = 0, int Faults = 0, int Created = 0, int Marked = 0, int Duplicates = 0, int WrongAmount = 0,
        int Lost = 0)
    {
        public static Tally operator +(Tally left, Tally right) => new(
            left.Operations + right.Operations, left.Faults + right.Faults, left.Created + right.Created, left.Marked + right.Marked,
            left.Duplicates + right.Duplicates, left.WrongAmount + right.WrongAmount, left.Lost + right.Lost);
    }
}
