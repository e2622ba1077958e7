using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Coach.AspNetCore.Hosting;
using Coach.AspNetCore.Payments;
using Coach.Payments;
using Coach.Testing;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Payments;

/// <summary>What a seller looks at: who may, in pages, and what hostile parameters do.</summary>
public sealed class PaymentAdminEndpointsTests : IAsyncLifetime
{
    private const string Root = "/api/admin/payments";
    private const string Role = "X-Role";

    private static readonly string[] Pages =
        [Root + "/open", Root + "/report", Root + "/payments.csv", Root + "/facts/dead"];

    private readonly VirtualClock _clock = new();
    private WebApplication _app = null!;
    private HttpClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IPaymentLinks Links => _app.Services.GetRequiredService<IPaymentLinks>();

    private IPaymentEvents Events => _app.Services.GetRequiredService<IPaymentEvents>();

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Testing" });
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Coach:Mode"] = "mock",
            ["Coach:Payments:MaxDeliveryAttempts"] = "1",
        });
        builder.Services.AddSingleton<TimeProvider>(_clock).AddLogging().AddRouting();
        builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, ByHeader>("test", null);
        builder.Services.AddAuthorizationBuilder().AddPolicy("seller", policy => policy.RequireRole("seller"));
        builder.Services.AddSingleton<IConfigureOptions<JsonOptions>, CoachJsonSetup>();
        builder.Services.AddCoachPayments();
        builder.Services.AddSingleton<PaymentAdminEndpoints>();
        _app = builder.Build();
        _app.UseAuthentication();
        _app.UseAuthorization();
        _app.MapCoachPaymentsAdmin("seller");
        await _app.StartAsync(Token);
        _client = _app.GetTestClient();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("payer", HttpStatusCode.Forbidden)]
    [InlineData("Seller", HttpStatusCode.Forbidden)]
    [InlineData("seller", HttpStatusCode.OK)]
    public async Task EveryPage_IsForWhoMeetsThePolicyAlone(string? role, HttpStatusCode expected)
    {
        await MakeDeadLettersAsync(1);
        foreach (string page in Pages)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, page, role);
            string body = await response.Content.ReadAsStringAsync(Token);
            Assert.Equal(expected, response.StatusCode);
            Assert.Equal(expected == HttpStatusCode.OK, body.Length > 0);
        }
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("payer", HttpStatusCode.Forbidden)]
    public async Task Replay_WithoutThePolicy_ReplaysNothing(string? role, HttpStatusCode expected)
    {
        PaymentFact dead = Assert.Single(await MakeDeadLettersAsync(1));
        using HttpResponseMessage response = await ReplayAsync(dead.Id, role);

        Assert.Equal(expected, response.StatusCode);
        Assert.Single(await Events.ListAsync(PaymentFactState.Dead, cancellationToken: Token));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void MapCoachPaymentsAdmin_WithoutAPolicy_IsTheHostsMistake(string? policy) =>
        Assert.ThrowsAny<ArgumentException>(() => _app.MapCoachPaymentsAdmin(policy!, "/elsewhere"));

    [Fact]
    public async Task EveryPage_IsKeptByNoCache()
    {
        foreach (string page in Pages)
        {
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, page);
            Assert.True(response.Headers.CacheControl?.NoStore, page);
        }
    }

    [Fact]
    public async Task Replay_ADeadLetter_TellsItAgainUnderItsName()
    {
        PaymentFact[] dead = await MakeDeadLettersAsync(2);
        using HttpResponseMessage first = await ReplayAsync(dead[0].Id);
        using HttpResponseMessage second = await ReplayAsync(dead[0].Id);
        PaymentFact again = Assert.Single(await Events.ClaimAsync(10, cancellationToken: Token));

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (first.StatusCode, second.StatusCode));
        Assert.Equal((dead[0].Id, 1), (again.Id, again.Attempts));
        PaymentFact left = Assert.Single(await Events.ListAsync(PaymentFactState.Dead, cancellationToken: Token));
        Assert.Equal(dead[1].Id, left.Id);
    }

    [Fact]
    public async Task Replay_ALetterBehindTheFirstThousand_IsFoundToo()
    {
        PaymentFact[] dead = await MakeDeadLettersAsync(1005);
        using HttpResponseMessage response = await ReplayAsync(dead[^1].Id);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(dead[^1].Id, Assert.Single(await Events.ClaimAsync(10, cancellationToken: Token)).Id);
    }

    [Theory]
    [InlineData("fact_00000000000000000000000000000000")]
    [InlineData("x")]
    [InlineData("..%2f..%2fopen")]
    [InlineData("%27%20OR%201%3D1--")]
    [InlineData("%F0%9F%98%80")]
    public async Task Replay_OfWhatIsNoLetter_Is404(string id)
    {
        await MakeDeadLettersAsync(1);
        using HttpResponseMessage response = await ReplayAsync(id);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Single(await Events.ListAsync(PaymentFactState.Dead, cancellationToken: Token));
    }

    [Fact]
    public async Task Replay_OfAFactThatWaits_Is404()
    {
        PaymentLink link = await PayAsync("order-1");
        PaymentFact waiting = Assert.Single(
            await Events.ListAsync(PaymentFactState.Pending, cancellationToken: Token), fact => fact.LinkId == link.Id);
        using HttpResponseMessage response = await ReplayAsync(waiting.Id);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Dead_InPages_ShowsEachLetterOnce()
    {
        PaymentFact[] dead = await MakeDeadLettersAsync(7);
        var seen = new List<string>();
        string? next = null;
        int pages = 0;
        do
        {
            string after = next is null ? "" : "&after=" + Uri.EscapeDataString(next);
            JsonElement page = await GetAsync("/facts/dead?limit=3" + after);
            seen.AddRange(page.GetProperty("facts").EnumerateArray().Select(fact => fact.GetProperty("id").GetString()!));
            next = page.TryGetProperty("next", out JsonElement cursor) ? cursor.GetString() : null;
            pages++;
        }
        while (next is not null);

        Assert.Equal(3, pages);
        Assert.Equal(dead.Select(fact => fact.Id).Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Dead_OfOneLinkAcrossTwoPages_ShowsEachLetterOnce()
    {
        // Paid, then refunded: two letters of one link, and a page for each.
        PaymentLink link = await PayAsync("order-1");
        await FailAllAsync();
        await RunAsync(Links.RefundAsync(
            new PaymentRefundRequest { LinkId = link.Id, RefundKey = "r1" }, Token));
        await FailAllAsync();
        JsonElement first = await GetAsync("/facts/dead?limit=1");
        JsonElement second = await GetAsync(
            "/facts/dead?limit=1&after=" + Uri.EscapeDataString(first.GetProperty("next").GetString()!));

        Assert.Equal("Paid", first.GetProperty("facts")[0].GetProperty("kind").GetString());
        Assert.Equal("Refunded", second.GetProperty("facts")[0].GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Dead_WithTheFieldsThatAPersonNeeds_SaysWhy()
    {
        PaymentFact dead = Assert.Single(await MakeDeadLettersAsync(1));
        JsonElement fact = (await GetAsync("/facts/dead")).GetProperty("facts")[0];

        Assert.Equal(
            ["attempts", "error", "id", "kind", "linkId", "occurredAt", "operationKey"],
            fact.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        Assert.Equal((dead.Id, "no answer"), (fact.GetProperty("id").GetString(), fact.GetProperty("error").GetString()));
        Assert.Equal("order-0", fact.GetProperty("operationKey").GetString());
    }

    [Fact]
    public async Task Open_InPages_ShowsEachLinkOnceOldestFirstThoughOneIsPaidMeanwhile()
    {
        var made = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            made.Add((await CreateAsync($"order-{i}")).Id);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        JsonElement first = await GetAsync("/open?limit=2");
        await PaySimulatedAsync(made[1]);
        JsonElement second = await GetAsync("/open?limit=2&after=" + first.GetProperty("next").GetString());
        JsonElement third = await GetAsync("/open?limit=2&after=" + second.GetProperty("next").GetString());

        Assert.Equal(made, Ids(first).Concat(Ids(second)).Concat(Ids(third)));
        Assert.Equal(5, first.GetProperty("links")[0].GetProperty("ageSeconds").GetInt64());
        Assert.False(third.TryGetProperty("next", out _));
    }

    [Fact]
    public async Task Open_AfterTheClockWasSetBack_ShowsNoNegativeAge()
    {
        await CreateAsync("order-1");
        _clock.JumpWallClock(TimeSpan.FromHours(-3));

        Assert.Equal(0, (await GetAsync("/open")).GetProperty("links")[0].GetProperty("ageSeconds").GetInt64());
    }

    [Theory]
    [InlineData("/open?limit=0")]
    [InlineData("/open?limit=-1")]
    [InlineData("/open?limit=1001")]
    [InlineData("/open?limit=99999999999999999999")]
    [InlineData("/open?limit=1e3")]
    [InlineData("/open?limit=%2B5")]
    [InlineData("/open?limit=")]
    [InlineData("/open?limit=%D9%A5")]
    [InlineData("/open?limit=1&limit=2")]
    [InlineData("/open?after=")]
    [InlineData("/open?after=a&after=b")]
    [InlineData("/facts/dead?limit=0")]
    [InlineData("/facts/dead?limit=x")]
    [InlineData("/facts/dead?after=nothing")]
    [InlineData("/facts/dead?after=a:b")]
    [InlineData("/facts/dead?after=:")]
    [InlineData("/facts/dead?after=%00:%00")]
    [InlineData("/report?from=yesterday")]
    [InlineData("/report?from=2026-02-30")]
    [InlineData("/report?from=2026-1-1")]
    [InlineData("/report?from=01%2F02%2F2026")]
    [InlineData("/report?from=")]
    [InlineData("/report?from=2026-01-02&to=2026-01-01")]
    [InlineData("/report?from=0001-01-01&to=9999-12-31")]
    [InlineData("/report?from=2026-01-01&from=2026-01-02")]
    [InlineData("/report?to=2026-01-01T00:00:00Z")]
    public async Task HostileParameters_AreRefusedWithAReason(string query)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, Root + query);
        JsonElement problem = await response.Content.ReadFromJsonAsync<JsonElement>(Token);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal("ERR_REQUEST_INVALID", problem.GetProperty("code").GetString());
        Assert.StartsWith("Give ", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AfterOfAThousandCharacters_IsRefused()
    {
        using HttpResponseMessage response = await SendAsync(
            HttpMethod.Get, Root + "/open?after=" + new string('a', 1000));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    [Fact]
    public async Task Open_AfterALinkThatIsNotKnown_IsTheEnd()
    {
        await CreateAsync("order-1");
        Assert.Empty(Ids(await GetAsync("/open?after=plink_unknown")));
    }

    [Theory]
    [InlineData("POST", "/open")]
    [InlineData("DELETE", "/facts/dead")]
    [InlineData("GET", "/facts/dead/fact_0/replay")]
    public async Task OtherMethods_AreNotTaken(string method, string page)
    {
        using HttpResponseMessage response = await SendAsync(new HttpMethod(method), Root + page);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task Report_AtTheLimitOfTenYears_IsAnswered()
    {
        await PayAsync("order-1");
        string day = _clock.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        JsonElement report = await GetAsync($"/report?from=2020-01-01&to=2030-01-08");
        JsonElement row = Assert.Single(report.GetProperty("days").EnumerateArray());

        Assert.Equal(day, row.GetProperty("day").GetString());
        Assert.Equal(1250, row.GetProperty("paid").GetInt64());
        Assert.False(row.GetProperty("isLive").GetBoolean());
    }

    [Fact]
    public async Task Csv_OfHostileTexts_HoldsNoFormula()
    {
        PaymentLink link = await CreateAsync("=HYPERLINK(\"http://evil.example\")");
        await PaySimulatedAsync(link.Id);
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, Root + "/payments.csv");
        string[] lines = (await response.Content.ReadAsStringAsync(Token)).Split("\r\n");

        Assert.Equal("text/csv", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(3, lines.Length);
        Assert.Contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\"", lines[1], StringComparison.Ordinal);
    }

    private static IEnumerable<string> Ids(JsonElement page) =>
        page.GetProperty("links").EnumerateArray().Select(link => link.GetProperty("id").GetString()!);

    private async Task<PaymentFact[]> MakeDeadLettersAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await PayAsync($"order-{i}");
        }

        await FailAllAsync();
        IReadOnlyList<PaymentFact> dead =
            await Events.ListAsync(PaymentFactState.Dead, count, cancellationToken: Token);
        Assert.Equal(count, dead.Count);
        return [.. dead];
    }

    private async Task FailAllAsync()
    {
        while (await Events.ClaimAsync(500, cancellationToken: Token) is { Count: > 0 } facts)
        {
            foreach (PaymentFact fact in facts)
            {
                await Events.FailAsync(fact, "no answer", Token);
            }
        }
    }

    private async Task<PaymentLink> PayAsync(string key)
    {
        PaymentLink link = await CreateAsync(key);
        await PaySimulatedAsync(link.Id);
        return link;
    }

    private Task PaySimulatedAsync(string id) =>
        _app.Services.GetRequiredService<ISimulatedPayments>().PayAsync(id, Token);

    private Task<PaymentLink> CreateAsync(string key) => RunAsync(Links.CreateAsync(
        new PaymentLinkRequest
        {
            OperationKey = key,
            Amount = Money.Create(1250, "usd"),
            Description = "Two espressos",
        },
        Token));

    private async Task<T> RunAsync<T>(Task<T> task)
    {
        await _clock.RunUntilAsync(task);
        return await task;
    }

    private Task<HttpResponseMessage> ReplayAsync(string id, string? role = "seller") =>
        SendAsync(HttpMethod.Post, $"{Root}/facts/dead/{id}/replay", role);

    private async Task<JsonElement> GetAsync(string page)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, Root + page);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Token);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string page, string? role = "seller")
    {
        using var request = new HttpRequestMessage(method, page);
        if (role is not null)
        {
            request.Headers.Add(Role, role);
        }

        return await _client.SendAsync(request, Token);
    }

    private sealed class ByHeader(
        IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers[Role] is not [{ } role])
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            var user = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Role, role)], "test"));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, "test")));
        }
    }
}
