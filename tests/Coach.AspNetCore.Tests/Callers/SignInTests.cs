using System.Net;
using System.Text.Json;

namespace Coach.AspNetCore.Tests.Callers;

/// <summary>Users of an OpenID Connect provider: what is theirs follows them, and nothing of it is the next one's.</summary>
public sealed class SignInTests
{
    private const string ApiKey = "AIzaSyA-test-key-of-ann-0123456789abcde";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NextUserOfTheSameBrowser_HasNothingOfTheLastOne(bool isCoachFirst)
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer, isCoachFirst);
        using SignInHost.Browser browser = host.Open(issuer);

        Assert.Equal("ann", await browser.SignInAsync());
        await browser.PostAsync("/api/chat", new { message = "What do I owe?" });
        await EnterKeyAsync(browser);
        string anns = await SessionOfAsync(browser, hasKey: true);
        Assert.Single(await ConversationsAsync(browser));

        await browser.SignOutAsync();
        string nobodys = await SessionOfAsync(browser, hasKey: false);
        Assert.Empty(await ConversationsAsync(browser));

        issuer.AtTheKeyboard = "ben";
        Assert.Equal("ben", await browser.SignInAsync());
        string bens = await SessionOfAsync(browser, hasKey: false);
        Assert.Equal(nobodys, bens);
        Assert.NotEqual(anns, bens);
        Assert.Empty(await ConversationsAsync(browser));

        await browser.SignOutAsync();
        issuer.AtTheKeyboard = "ann";
        Assert.Equal("ann", await browser.SignInAsync());
        Assert.NotEqual(bens, await SessionOfAsync(browser, hasKey: false));
        Assert.Single(await ConversationsAsync(browser));
    }

    [Fact]
    public async Task SessionFromBeforeSigningIn_GoesOn_AndACopyOfItsCookieIsWorthNothing()
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer);
        using SignInHost.Browser browser = host.Open(issuer);
        await EnterKeyAsync(browser);
        string session = await SessionOfAsync(browser, hasKey: true);
        using SignInHost.Browser thief = host.Open(issuer);
        thief.Cookies.Add(browser.Cookies.GetAllCookies());

        await browser.SignInAsync();
        Assert.Equal(session, await SessionOfAsync(browser, hasKey: true));

        Assert.NotEqual(session, await SessionOfAsync(thief, hasKey: false));
        using SignInHost.Browser other = host.Open(issuer);
        other.Cookies.Add(browser.Cookies.GetAllCookies());
        other.Cookies.GetAllCookies().Single(cookie => cookie.Name == "app").Expired = true;
        issuer.AtTheKeyboard = "ben";
        await other.SignInAsync();
        Assert.NotEqual(session, await SessionOfAsync(other, hasKey: false));
    }

    [Fact]
    public async Task RequestsThatCrossTheSigningIn_AreAllOfTheSameSession()
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer);
        using SignInHost.Browser browser = host.Open(issuer);
        await EnterKeyAsync(browser);
        string session = await SessionOfAsync(browser, hasKey: true);
        CookieCollection before = browser.Cookies.GetAllCookies();

        await browser.SignInAsync();
        for (int i = 0; i < 3; i++)
        {
            using SignInHost.Browser tab = host.Open(issuer);
            tab.Cookies.Add(browser.Cookies.GetAllCookies());
            tab.Cookies.Add(before);
            Assert.Equal(session, await SessionOfAsync(tab, hasKey: true));
        }
    }

    [Fact]
    public async Task Tokens_NameTheCaller_AndAForeignAudienceNamesNobody()
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer);
        using SignInHost.Browser client = host.Open(issuer);
        client.Bearer = issuer.Token("ann", tenant: "bar");
        await EnterKeyAsync(client);
        string session = await SessionOfAsync(client, hasKey: true);

        client.Bearer = issuer.Token("ann", tenant: "bar");
        Assert.Equal(session, await SessionOfAsync(client, hasKey: true));

        foreach (string token in new[]
        {
            issuer.Token("ann", tenant: "other bar"), issuer.Token("ann", tenant: "bar", audience: "others"), "no token",
        })
        {
            using SignInHost.Browser other = host.Open(issuer);
            other.Cookies.Add(client.Cookies.GetAllCookies());
            other.Bearer = token;
            Assert.NotEqual(session, await SessionOfAsync(other, hasKey: false));
        }
    }

    [Fact]
    public async Task LinksAndTabs_FollowTheUser_AndWhatTheSessionHadStaysHers()
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer);
        using SignInHost.Browser laptop = host.Open(issuer);
        await AddLineAsync(laptop, "tab-of-nobody");
        await LinkAsync(laptop, "link-of-nobody");
        await laptop.SignInAsync();
        await LinkAsync(laptop, "link-of-ann");
        Assert.Equal(2, (await LinksAsync(laptop)).Count);
        await AddLineAsync(laptop, "tab-of-nobody");
        Assert.Equal(2, await LinesAsync(laptop, "tab-of-nobody"));
        await AddLineAsync(laptop, "tab-of-ann");

        using SignInHost.Browser phone = host.Open(issuer);
        await phone.SignInAsync();
        string link = Assert.Single(await LinksAsync(phone)).GetProperty("id").GetString()!;
        Assert.Equal(1, await LinesAsync(phone, "tab-of-ann"));

        using SignInHost.Browser stranger = host.Open(issuer);
        stranger.Cookies.Add(laptop.Cookies.GetAllCookies());
        stranger.Cookies.GetAllCookies().Single(cookie => cookie.Name == "app").Expired = true;
        issuer.AtTheKeyboard = "ben";
        await stranger.SignInAsync();
        Assert.Empty(await LinksAsync(stranger));
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync($"/api/payments/links/{link}"));
        await Assert.ThrowsAsync<HttpRequestException>(() => LinesAsync(stranger, "tab-of-ann"));
        await Assert.ThrowsAsync<HttpRequestException>(() => LinesAsync(stranger, "tab-of-nobody"));
    }

    [Fact]
    public async Task LinkThatIsAskedForAgainAfterSigningIn_IsTheOneThatWasBegun_AndNobodyElsesIs()
    {
        await using LocalIssuer issuer = await LocalIssuer.StartAsync();
        await using SignInHost host = await SignInHost.StartAsync(issuer);
        using SignInHost.Browser laptop = host.Open(issuer);
        await LinkAsync(laptop, "order-1");
        string begun = Assert.Single(await LinksAsync(laptop)).GetProperty("id").GetString()!;

        await laptop.SignInAsync();
        await LinkAsync(laptop, "order-1");
        Assert.Equal(begun, Assert.Single(await LinksAsync(laptop)).GetProperty("id").GetString());
        await LinkAsync(laptop, "order-2");
        await LinkAsync(laptop, "order-2");
        Assert.Equal(2, (await LinksAsync(laptop)).Count);

        using SignInHost.Browser stranger = host.Open(issuer);
        issuer.AtTheKeyboard = "ben";
        await stranger.SignInAsync();
        await LinkAsync(stranger, "order-1");
        Assert.NotEqual(begun, Assert.Single(await LinksAsync(stranger)).GetProperty("id").GetString());
    }

    private static Task LinkAsync(SignInHost.Browser browser, string key) => browser.PostAsync(
        "/api/payments/links", new { amount = 1250, currency = "usd", description = "Two drinks" }, key);

    private static Task AddLineAsync(SignInHost.Browser browser, string tab) => browser.PostAsync(
        $"/api/payments/tabs/{tab}/lines", new { item = "coffee" }, Guid.NewGuid().ToString("N"));

    private static async Task<IReadOnlyList<JsonElement>> LinksAsync(SignInHost.Browser browser) =>
        [.. (await browser.GetAsync("/api/payments/links")).GetProperty("links").EnumerateArray()];

    private static async Task<int> LinesAsync(SignInHost.Browser browser, string tab) =>
        (await browser.GetAsync($"/api/payments/tabs/{tab}")).GetProperty("lines").GetArrayLength();

    private static Task EnterKeyAsync(SignInHost.Browser browser) =>
        browser.PostAsync("/api/session/keys", new { provider = "gemini", apiKey = ApiKey });

    private static async Task<string> SessionOfAsync(SignInHost.Browser browser, bool hasKey)
    {
        JsonElement session = await browser.GetAsync("/api/session");
        Assert.Equal(hasKey ? 1 : 0, session.GetProperty("keys").GetArrayLength());
        return session.GetProperty("sessionId").GetString()!;
    }

    private static async Task<IReadOnlyList<JsonElement>> ConversationsAsync(SignInHost.Browser browser) =>
        [.. (await browser.GetAsync("/api/conversations")).GetProperty("conversations").EnumerateArray()];
}
