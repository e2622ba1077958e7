using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Payments;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Payments;

/// <summary>Who names an amount, how many links somebody gets, and the page behind a simulated one.</summary>
public sealed class SellerTests
{
    private const string Order = """{"amount":1250,"currency":"usd","description":"Two espressos"}""";

    [Fact]
    public async Task Create_WithALiveKey_TakesNoAmountFromABrowserUnlessAllowed()
    {
        await using StripeFake stripe = await StripeFake.StartAsync();
        foreach (bool isAllowed in new[] { false, true })
        {
            await using ChatHost host = await ChatHost.StartAsync(settings =>
            {
                settings["STRIPE_API_KEY"] = "sk_live_seller";
                settings["Coach:Payments:Stripe:BaseUrl"] = stripe.Url.AbsoluteUri;
                settings["Coach:Payments:AllowClientAmounts"] = isAllowed ? "true" : "false";
            });
            using HttpClient visitor = host.NewVisitor();
            using HttpResponseMessage response = await visitor.CreateLinkAsync("tab-1", Order);

            Assert.Equal(isAllowed ? HttpStatusCode.Created : HttpStatusCode.Forbidden, response.StatusCode);
            Assert.Equal(isAllowed ? 1 : 0, stripe.Links.Count);
        }
    }

    [Fact]
    public async Task Create_SixHundredCallsWithoutACookie_MakesFewLinks()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        int made = 0;
        int refused = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), async (i, _) =>
        {
            using HttpClient visitor = host.NewVisitor();
            using HttpResponseMessage response = await visitor.CreateLinkAsync($"order-{i}", Order);
            Interlocked.Add(ref made, response.StatusCode == HttpStatusCode.Created ? 1 : 0);
            if (response.StatusCode == HttpStatusCode.TooManyRequests)
            {
                Interlocked.Increment(ref refused);
                Assert.NotNull(response.Headers.RetryAfter);
            }
        });

        Assert.Equal(600, made + refused);
        Assert.InRange(made, 60, 120);
    }

    [Fact]
    public async Task LinksBurst_Two_RefusesTheThirdOfASession()
    {
        await using ChatHost host = await ChatHost.StartAsync(settings =>
        {
            settings["Coach:RateLimits:LinksBurst"] = "2";
            settings["Coach:RateLimits:LinksPerMinute"] = "1";
        });
        using HttpClient visitor = host.NewVisitor();
        var statuses = new List<HttpStatusCode>();
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage response = await visitor.CreateLinkAsync($"order-{i}", Order);
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.Created, HttpStatusCode.Created, HttpStatusCode.TooManyRequests], statuses);
    }

    [Fact]
    public async Task SimulatedLink_OpensAPageOfTheHostThatPlaysTheWholeStory()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage created = await visitor.CreateLinkAsync("tab-1", Order);
        JsonElement link = await created.JsonAsync();
        var page = new Uri(link.GetProperty("url").GetString()!);
        string id = link.GetProperty("id").GetString()!;

        using HttpResponseMessage shown = await visitor.GetAsync(page);
        string before = await shown.Content.ReadAsStringAsync();
        using HttpResponseMessage paid = await visitor.PostAsync(new Uri(page + "/pay"), null);
        string after = await visitor.GetStringAsync(page);
        using HttpResponseMessage refunded = await visitor.PostAsync(new Uri(page + "/refund"), null);
        JsonElement payments = await visitor.GetFromJsonAsync<JsonElement>($"/api/payments/links/{id}/payments");
        JsonElement mine = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/links");
        using HttpClient stranger = host.NewVisitor();
        using HttpResponseMessage theirs = await stranger.GetAsync(page);

        Assert.Equal(host.Address.Authority, page.Authority);
        Assert.Equal("same-origin", Assert.Single(shown.Headers.GetValues("Referrer-Policy"))); // else forms have no origin
        Assert.Contains("12.50 USD", before, StringComparison.Ordinal);
        Assert.Contains("Nothing to pay here", before, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", before, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Redirect, HttpStatusCode.Redirect), (paid.StatusCode, refunded.StatusCode));
        Assert.Contains("Refund", after, StringComparison.Ordinal);
        Assert.Equal(1250, payments.GetProperty("refunded").GetInt64());
        Assert.Equal(id, mine.GetProperty("links")[0].GetProperty("id").GetString());
        Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
    }

    [Fact]
    public async Task Tab_OfTheHosts_IsPaidByItsName()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage first = await visitor.CreateLinkAsync("warm-up", Order);
        string owner = (await host.Services.GetRequiredService<IPaymentLinks>().FindAsync(
            (await first.JsonAsync()).GetProperty("id").GetString()!))!.Owner!;
        await host.Services.GetRequiredService<ITabs>().AddLineAsync(
            owner, "t1", new TabLine("1", "Espresso", Money.Create(310, "usd"), 2));

        JsonElement tab = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/tabs/t1");
        using HttpResponseMessage response = await visitor.CreateLinkAsync("pay-tab", """{"tab":"t1"}""");
        using HttpResponseMessage both = await visitor.CreateLinkAsync("pay-tab-2", """{"tab":"t1","amount":1}""");

        Assert.Equal(620, tab.GetProperty("total").GetInt64());
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(620, (await response.JsonAsync()).GetProperty("amount").GetInt64());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, both.StatusCode);
    }
}
