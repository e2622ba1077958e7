using Coach.Testing;

namespace Coach.Payments.Tests.Links;

public sealed class PaymentLinkServiceTests
{
    [Fact]
    public async Task CreateAsync_FirstTime_MakesOnePriceAndOneLinkPayableOnce()
    {
        using var host = new PaymentHost();

        PaymentLink link = await host.CreateAsync();

        StripeFakeLink made = Assert.Single(host.Fake.Links);
        Assert.Equal(made.Id, link.Id);
        Assert.Equal(made.Url, link.Url.AbsoluteUri);
        Assert.Equal(PaymentStatus.Pending, link.Status);
        Assert.False(link.IsSimulated);
        Assert.False(link.IsReplay);
        Assert.False(link.IsReusable);
        Assert.Equal("stripe", link.Gateway);
        Assert.Equal(1250, made.AmountTotal);
        Assert.Equal("usd", made.Currency);
        Assert.Equal(1, made.CompletedLimit);
        Assert.Equal("order-1:1", made.Metadata["coach_operation"]);
        StripeFakePrice price = Assert.Single(host.Fake.Prices);
        Assert.Equal($"coach_{made.Metadata["coach_tag"]}", price.LookupKey);
        Assert.Equal(link.Id, price.Metadata["coach_link"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CreateAsync_BegunAsSomebodyElses_GoesOnWithThatOne(bool isAnswerLost)
    {
        using var host = new PaymentHost(key: PaymentHost.LiveKey);
        PaymentLinkRequest before = PaymentHost.Order(owner: "session-1") with { Reference = "credits:session-1" };
        if (isAnswerLost)
        {
            host.Fake.Inject(new StripeFault(StripeFaultKind.LoseAnswer), "POST", "/v1/payment_links", times: 1);
            host.Fake.Inject(new StripeFault(StripeFaultKind.Refuse), "POST", "/v1/payment_links", times: 3);
            Assert.Equal(PaymentError.Uncertain, (await host.FailsAsync(before)).Error);
            host.Clock.Advance(TimeSpan.FromMinutes(5));
        }
        else
        {
            await host.CreateAsync(before);
        }

        PaymentLinkRequest after = before with { Owner = "user:ann", Reference = "credits:ann" };
        PaymentLink link = await host.CreateAsync(after with { BegunAs = after with { Owner = "session-1" } });

        Assert.Equal(Assert.Single(host.Fake.Links).Id, link.Id);
        Assert.Equal(("session-1", "credits:session-1"), (link.Owner, link.Reference));
    }

    [Fact]
    public async Task CreateAsync_BegunAsNothing_MakesItsOwn_AndAnotherRequestOfTheKeyIsAConflict()
    {
        using var host = new PaymentHost();
        PaymentLinkRequest after = PaymentHost.Order(owner: "user:ann");
        PaymentLinkRequest both = after with { BegunAs = after with { Owner = "session-1" } };

        Assert.Equal("user:ann", (await host.CreateAsync(both)).Owner);
        Assert.True((await host.CreateAsync(both)).IsReplay);

        await host.CreateAsync(PaymentHost.Order("order-2:1", owner: "session-1"));
        PaymentLinkRequest other = PaymentHost.Order("order-2:1", amount: 900, owner: "user:ann");
        PaymentException exception =
            await host.FailsAsync(other with { BegunAs = other with { Owner = "session-1" } });
        Assert.Equal(PaymentError.IdempotencyConflict, exception.Error);
    }

    [Fact]
    public async Task CreateAsync_SameKeyAndRequest_ReplaysWithoutAnyRequest()
    {
        using var host = new PaymentHost();
        PaymentLink first = await host.CreateAsync();
        int sent = host.Fake.Requests.Count;

        PaymentLink second = await host.CreateAsync();

        Assert.Equal(first with { IsReplay = true }, second);
        Assert.Equal(sent, host.Fake.Requests.Count);
    }

    [Fact]
    public async Task CreateAsync_SameKeyOtherRequest_IsAConflict()
    {
        using var host = new PaymentHost();
        await host.CreateAsync();

        PaymentException exception = await host.FailsAsync(PaymentHost.Order(amount: 1251));

        Assert.Equal(PaymentError.IdempotencyConflict, exception.Error);
        Assert.Equal("ERR_IDEMPOTENCY_CONFLICT", exception.Code);
        Assert.Single(host.Fake.Links);
    }

    [Fact]
    public async Task CreateAsync_SameKeyOtherOwner_IsAnotherOperation()
    {
        using var host = new PaymentHost();

        PaymentLink one = await host.CreateAsync(PaymentHost.Order(owner: "session-a"));
        PaymentLink two = await host.CreateAsync(PaymentHost.Order(owner: "session-b"));

        Assert.NotEqual(one.Id, two.Id);
        Assert.Equal("session-a", one.Owner);
        Assert.DoesNotContain(
            host.Fake.Requests, request => request.Body.Contains("session-a", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CreateAsync_ManyCallersAtOnce_MakeOneLink()
    {
        using var host = new PaymentHost();
        host.Fake.Inject(new StripeFault(StripeFaultKind.Slow), "POST", "/v1/payment_links");

        Task<PaymentLink>[] calls =
            [.. Enumerable.Range(0, 50).Select(_ => host.Links.CreateAsync(PaymentHost.Order()))];
        await host.Clock.RunUntilAsync(Task.WhenAll(calls));

        Assert.Single(host.Fake.Links);
        Assert.Single(calls.Select(call => call.Result.Id).Distinct());
        Assert.Equal(1, calls.Count(call => !call.Result.IsReplay));
        Assert.Single(host.Sent("POST", "/v1/payment_links"));
    }

    [Fact]
    public async Task CreateAsync_EachStep_SendsItsOwnKeyDerivedFromTheCallers()
    {
        using var host = new PaymentHost();

        await host.CreateAsync();

        string tag = host.Fake.Links[0].Metadata["coach_tag"];
        Assert.Equal($"coach:{tag}:price:1", host.Sent("POST", "/v1/prices")[0].IdempotencyKey);
        Assert.Equal($"coach:{tag}:link:1", host.Sent("POST", "/v1/payment_links")[0].IdempotencyKey);
        Assert.All(host.Fake.Requests, request =>
        {
            Assert.Equal("2026-10-28.endive", request.Headers["Stripe-Version"]);
            Assert.Equal(PaymentHost.TestKey, request.ApiKey);
        });
    }

    [Fact]
    public async Task CreateAsync_MockMode_SimulatesWithoutARequest()
    {
        using var host = new PaymentHost(mode: "mock");

        PaymentLink link = await host.CreateAsync();

        Assert.True(link.IsSimulated);
        Assert.StartsWith("sim_", link.Id, StringComparison.Ordinal);
        Assert.StartsWith(
            "https://payments.coach.invalid/simulated/sim_", link.Url.AbsoluteUri, StringComparison.Ordinal);
        Assert.Empty(host.Fake.Requests);
        Assert.Equal(link with { IsReplay = true }, await host.CreateAsync());
    }
}
