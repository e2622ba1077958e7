using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Payments;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Usage;

public sealed class UsageEndpointsTests
{
    [Fact]
    public async Task LimitToCredits_ATabComesToNoMoreThanTheBalance()
    {
        await using UsageHost host = await UsageHost.StartAsync(
            new()
            {
                ["Coach:Mode"] = "mock",
                ["Coach:Credits:FreeAllowanceMicros"] = "7999999",
                ["Coach:Menu:LimitToCredits"] = "true",
                ["Coach:Menu:Items:0:Id"] = "wine",
                ["Coach:Menu:Items:0:Name"] = "Wine",
                ["Coach:Menu:Items:0:Price"] = "400",
            },
            coach => coach.AddCredits());

        using HttpResponseMessage first = await OrderAsync(host, "line-1");
        using HttpResponseMessage second = await OrderAsync(host, "line-2");
        using HttpResponseMessage again = await OrderAsync(host, "line-1");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, again.StatusCode));
        Assert.Equal(HttpStatusCode.PaymentRequired, second.StatusCode);
        JsonElement problem = await second.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("ERR_BUDGET_EXCEEDED", problem.GetProperty("code").GetString());
        JsonElement tab = await host.GetAsync("/api/payments/tabs/main");
        Assert.Equal(400, tab.GetProperty("total").GetInt64());
    }

    [Fact]
    public async Task LimitToCredits_InAnotherCurrency_FailsTheStart()
    {
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => UsageHost.StartAsync(
                new() { ["Coach:Menu:LimitToCredits"] = "true", ["Coach:Menu:Currency"] = "eur" },
                coach => coach.AddCredits()));

        Assert.Contains("Coach:Menu:LimitToCredits needs one currency", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credits_AreSpentATurn_RefusedWhenTheyAreGone_AndBoughtAgain()
    {
        await using UsageHost host = await UsageHost.StartAsync(
            new()
            {
                ["Coach:Mode"] = "mock",
                ["Coach:Credits:PricePerTurnMicros"] = "10000",
                ["Coach:Credits:FreeAllowanceMicros"] = "15000",
                ["Coach:Credits:Packs:0:Id"] = "small",
                ["Coach:Credits:Packs:0:Title"] = "100 answers",
                ["Coach:Credits:Packs:0:PriceMinorUnits"] = "100",
                ["Coach:Credits:Packs:0:CreditMicros"] = "1000000",
            },
            coach => coach.AddCredits());

        JsonElement credits = await host.GetAsync("/api/credits");
        Assert.Equal(15_000, credits.GetProperty("balance").GetProperty("micro").GetInt64());
        Assert.Equal(10_000, credits.GetProperty("pricePerTurnMicro").GetInt64());
        Assert.Equal("small", credits.GetProperty("packs")[0].GetProperty("id").GetString());

        JsonElement done = await host.DoneAsync("hello");
        Assert.Equal("nobody", done.GetProperty("paidBy").GetString());
        Assert.Equal(0, done.GetProperty("usage").GetProperty("costMicro").GetInt64());
        Assert.Equal("usd", done.GetProperty("usage").GetProperty("currency").GetString());

        using HttpResponseMessage refused = await host.AskAsync("hello");
        Assert.Equal(HttpStatusCode.PaymentRequired, refused.StatusCode);
        JsonElement problem = await refused.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("ERR_BUDGET_EXCEEDED", problem.GetProperty("code").GetString());
        Assert.Equal("balance", problem.GetProperty("budget").GetProperty("limit").GetString());
        Assert.Equal(5_000, problem.GetProperty("budget").GetProperty("allowed").GetInt64());
        Assert.Null(refused.Headers.RetryAfter);

        using var buy = new HttpRequestMessage(HttpMethod.Post, "/api/credits/links")
        {
            Content = JsonContent.Create(new { pack = "small" }),
            Headers = { { "Idempotency-Key", "purchase-1" } },
        };
        using HttpResponseMessage bought = await host.Visitor.SendAsync(buy);
        Assert.Equal(HttpStatusCode.Created, bought.StatusCode);
        JsonElement link = await bought.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(link.GetProperty("isSimulated").GetBoolean());
        host.Clock.Advance(TimeSpan.FromMinutes(1));
        JsonElement status = await host.GetAsync("/api/payments/links/" + link.GetProperty("id").GetString());
        Assert.Equal("succeeded", status.GetProperty("status").GetString());
        Assert.Equal(PaymentFactKind.Paid, (await host.Paid).Kind);

        await host.DoneAsync("hello");
        JsonElement usage = await host.GetAsync("/api/usage");
        Assert.Equal(995_000, usage.GetProperty("balance").GetProperty("micro").GetInt64());
        string csv = await host.Visitor.GetStringAsync("/api/usage/export");
        Assert.Equal(5, csv.TrimEnd().Split("\r\n").Length);
        JsonElement admin = await host.GetAsync("/api/admin/usage?as=admin");
        Assert.Equal(995_000, admin.GetProperty("creditsMicro").GetInt64());
        JsonElement verified = await host.GetAsync("/api/admin/usage/verify?as=admin");
        Assert.True(verified.GetProperty("isWhole").GetBoolean());
        using HttpResponseMessage stranger = await host.Visitor.GetAsync("/api/admin/usage");
        Assert.NotEqual(HttpStatusCode.OK, stranger.StatusCode);
    }

    [Fact]
    public async Task HostPaid_IsTold_Counted_AndBoundByEachCallersBudget()
    {
        var model = new ScriptedChatClient(providerName: "gemini", modelId: "g-1").Answer("one two three");
        await using UsageHost host = await UsageHost.StartAsync(
            new()
            {
                ["Coach:Mode"] = "auto",
                ["GEMINI_API_KEY"] = "AIza-not-a-key-of-anybody-000000000000",
                ["Coach:HostPaid:Providers:0"] = "gemini",
                ["Coach:Usage:ReservedOutputTokens"] = "100",
                ["Coach:Usage:Limits:0:Name"] = "day",
                ["Coach:Usage:Limits:0:Max"] = "300",
            },
            coach => coach.Llm.AddProvider("gemini", (_, _) => model));

        JsonElement done = await host.DoneAsync("hello");
        Assert.Equal("host", done.GetProperty("paidBy").GetString());
        Assert.Equal("gemini", done.GetProperty("provider").GetString());
        long cost = done.GetProperty("usage").GetProperty("costMicro").GetInt64();
        Assert.Equal(7 + (3 * 2), cost);

        JsonElement usage = await host.GetAsync("/api/usage");
        JsonElement day = usage.GetProperty("days")[0];
        Assert.Equal((cost, 7, 3), (
            day.GetProperty("costMicro").GetInt64(), day.GetProperty("inputTokens").GetInt64(),
            day.GetProperty("outputTokens").GetInt64()));
        JsonElement limit = usage.GetProperty("limits")[0];
        Assert.Equal((cost, 300), (limit.GetProperty("used").GetInt64(), limit.GetProperty("max").GetInt64()));
        Assert.Equal(JsonValueKind.Null, usage.GetProperty("balance").ValueKind);

        HttpStatusCode last = HttpStatusCode.OK;
        for (int i = 0; i < 20 && last == HttpStatusCode.OK; i++)
        {
            using HttpResponseMessage response = await host.AskAsync("hello");
            last = response.StatusCode;
            if (last == HttpStatusCode.TooManyRequests)
            {
                Assert.True(response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
                JsonElement problem = await response.Content.ReadFromJsonAsync<JsonElement>();
                Assert.Equal("ERR_BUDGET_EXCEEDED", problem.GetProperty("code").GetString());
                Assert.Equal("day", problem.GetProperty("budget").GetProperty("limit").GetString());
            }
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, last);
    }

    [Fact]
    public async Task Credits_OfNobody_AreNotBoughtWithRealMoney()
    {
        using var folder = new TempFolder();
        await using UsageHost host = await UsageHost.StartAsync(
            new()
            {
                ["Coach:Mode"] = "auto",
                ["STRIPE_API_KEY"] = "sk_live_nobodys",
                ["Coach:Payments:StorePath"] = Path.Combine(folder.Path, "payments.journal"),
                ["Coach:Payments:Stripe:BaseUrl"] = "http://127.0.0.1:1",
            },
            coach => coach.AddCredits(sale =>
            {
                sale.AllowAnonymousPurchases = false;
                sale.Packs.Add(new CreditPack
                {
                    Id = "small",
                    Title = "100 answers",
                    PriceMinorUnits = 500,
                    CreditMicros = 5_000_000,
                });
            }));
        using var unknown = new HttpRequestMessage(HttpMethod.Post, "/api/credits/links")
        {
            Content = JsonContent.Create(new { pack = "large" }),
            Headers = { { "Idempotency-Key", "purchase-0" } },
        };
        using HttpResponseMessage noPack = await host.Visitor.SendAsync(unknown);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, noPack.StatusCode);
        using var buy = new HttpRequestMessage(HttpMethod.Post, "/api/credits/links")
        {
            Content = JsonContent.Create(new { pack = "small" }),
            Headers = { { "Idempotency-Key", "purchase-1" } },
        };
        using HttpResponseMessage refused = await host.Visitor.SendAsync(buy);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task HostPaid_WithoutABudgetForEachCaller_DoesNotStart()
    {
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => UsageHost.StartAsync(new() { ["Coach:HostPaid:Providers:0"] = "gemini" }));
        Assert.Contains("Coach:Usage:Limits has no limit of scope User or Session", refused.Message);
    }

    [Fact]
    public async Task Key_OfTheHosts_IsNeverUsedUnlessItSaidSo()
    {
        var model = new ScriptedChatClient(providerName: "gemini", modelId: "g-1");
        await using UsageHost host = await UsageHost.StartAsync(
            new() { ["Coach:Mode"] = "auto", ["GEMINI_API_KEY"] = "AIza-not-a-key-of-anybody-000000000000" },
            coach => coach.Llm.AddProvider("gemini", (_, _) => model));

        JsonElement done = await host.DoneAsync("hello");
        Assert.Equal(("mock", "nobody"), (
            done.GetProperty("provider").GetString(), done.GetProperty("paidBy").GetString()));
        Assert.Empty(model.Calls);
    }

    [Theory]
    [InlineData("/api/usage?from=yesterday")]
    [InlineData("/api/usage?from=2026-11-02&to=2026-11-01")]
    [InlineData("/api/usage?from=1900-01-01&to=2026-11-01")]
    [InlineData("/api/usage?to=9999-12-31")]
    [InlineData("/api/usage/export?format=xml")]
    [InlineData("/api/usage/export?to=x")]
    [InlineData("/api/admin/usage?as=admin&to=x")]
    public async Task Question_ThatIsWrong_IsRefused(string path)
    {
        await using UsageHost host = await UsageHost.StartAsync(new() { ["Coach:Mode"] = "mock" });
        using HttpResponseMessage response = await host.Visitor.GetAsync(path);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    private static async Task<HttpResponseMessage> OrderAsync(UsageHost host, string line)
    {
        using var order = new HttpRequestMessage(HttpMethod.Post, "/api/payments/tabs/main/lines")
        {
            Content = JsonContent.Create(new { item = "wine" }),
            Headers = { { "Idempotency-Key", line } },
        };
        return await host.Visitor.SendAsync(order);
    }
}
