using System.Text.RegularExpressions;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>The page in a real browser: Debian's Chromium, when it is installed.</summary>
public sealed partial class PageTests : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private const float WaitLimit = 120_000; // ms: slow machines run this too
    private TempFolder _knowledge = null!;
    private ProviderFake _providers = null!;
    private ChatHost _host = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists(Chromium), $"{Chromium} is not installed (Debian package: chromium)");
        _knowledge = new TempFolder();
        await File.WriteAllTextAsync(_knowledge.File("harbour.md"),
            "# Harbour guide\n\n## Lighthouse\n\nThe lighthouse keeper lights the lamp at nineteen hours. <b "
            + "onclick=alert(1)>Bold</b> claims are not markup.\n");
        _providers = await ProviderFake.StartAsync();
        _host = await ChatHost.StartAsync(
            values => values["Coach:Llm:Gemini:BaseUrl"] = _providers.BaseUrl("gemini").ToString(),
            _knowledge.Path);
        Assertions.SetDefaultExpectTimeout(WaitLimit);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Timeout = (float)ChatHost.HangLimit.TotalMilliseconds,
            Args =
            [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
            _playwright.Dispose();
        }

        if (_host is not null)
        {
            await _host.DisposeAsync();
            await _providers.DisposeAsync();
            _knowledge.Dispose();
        }
    }

    [Fact]
    public async Task Page_AskWithoutAKey_StreamsTheAnswerAndOpensItsPassage()
    {
        (IPage page, List<string> problems) = await OpenAsync();
        await Assertions.Expect(page.Locator("#mode")).ToHaveTextAsync("mock answers");
        await page.FillAsync("#message", "When does the lighthouse keeper light the lamp?");
        await page.ClickAsync("#send");
        await Assertions.Expect(page.Locator(".answer .meta")).ToContainTextAsync("mock answer");
        await Assertions.Expect(page.Locator(".answer").Last).ToContainTextAsync("nineteen hours");
        await page.Locator(".answer .cite").First.ClickAsync();
        await Assertions.Expect(page.Locator("#passage")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#passage-title")).ToContainTextAsync("harbour.md");
        await Assertions.Expect(page.Locator("#passage-text")).ToContainTextAsync("nineteen hours");
        Assert.Equal(0, await page.Locator("#passage-text b").CountAsync());
        await KeepScreenshotAsync(page, "passage");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_KeyEntered_AnswersForRealAndForgetsItOnRequest()
    {
        _providers.SetKey("gemini", "page-test-key");
        _providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("At nineteen hours [1]."));
        (IPage page, List<string> problems) = await OpenAsync();
        await page.FillAsync("#api-key", "page-test-key");
        await page.ClickAsync("#key-form button");
        await Assertions.Expect(page.Locator("#key-message")).ToContainTextAsync("Valid.");
        await Assertions.Expect(page.Locator("#mode")).ToHaveTextAsync("real answers");
        Assert.Equal("", await page.InputValueAsync("#api-key"));
        await page.FillAsync("#message", "When does the lighthouse keeper light the lamp?");
        await page.PressAsync("#message", "Enter");
        await Assertions.Expect(page.Locator(".answer .meta")).ToContainTextAsync("gemini");
        await page.Locator("#keys button").ClickAsync();
        await Assertions.Expect(page.Locator("#mode")).ToHaveTextAsync("mock answers");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_KeyRefused_ShowsTheSentence()
    {
        (IPage page, _) = await OpenAsync();
        await page.FillAsync("#api-key", "nobody-knows-this-key");
        await page.ClickAsync("#key-form button");
        await Assertions.Expect(page.Locator("#key-message")).ToHaveClassAsync(BadPattern());
        Assert.DoesNotContain("nobody-knows", await page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_OrderOntoATab_GetsOnePaymentLink()
    {
        (IPage page, List<string> problems) = await OpenAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await page.GetByLabel("Add Sandwich").ClickAsync();
        await page.GetByLabel("15 %").CheckAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("16.68 USD"); // 14.50 + 2.175, half up
        await page.ClickAsync("#pay");
        ILocator link = page.Locator("#payment a");
        await Assertions.Expect(link).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#payment")).ToContainTextAsync("simulated");
        string? address = await link.GetAttributeAsync("href");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("#payment a")).ToHaveAttributeAsync("href", address!);
        await Assertions.Expect(page.Locator("#pay")).ToBeDisabledAsync();
        await KeepScreenshotAsync(page, "tab");
        await page.ClickAsync("#cancel");
        await Assertions.Expect(page.Locator("#payment")).ToContainTextAsync("expired");
        await Assertions.Expect(page.Locator("#cancel")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("16.68 USD"); // unpaid lines are never lost
        await page.ClickAsync("#new-tab");
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("0.00 USD");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_PaysItsTabOnTheSimulatedPage_PlaysTheWholeStory()
    {
        (IPage page, List<string> problems) = await OpenAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("3.00 USD");
        await page.ClickAsync("#pay");
        ILocator link = page.Locator("#payment a");
        IPage payment = await page.RunAndWaitForPopupAsync(() => link.ClickAsync());
        payment.SetDefaultTimeout(WaitLimit);
        await Assertions.Expect(payment.Locator("strong")).ToHaveTextAsync("3.00 USD");
        await Assertions.Expect(payment.Locator("[role=status]")).ToContainTextAsync("Nothing to pay here");
        await KeepScreenshotAsync(payment, "simulated");
        await payment.GetByRole(AriaRole.Button, new() { Name = "Mark as paid" }).ClickAsync();
        await Assertions.Expect(payment.Locator("[role=status]")).ToHaveTextAsync("Paid");

        // The page follows: the bill is settled, and what is ordered next is a bill of its own.
        await Assertions.Expect(page.Locator("#payment")).ToContainTextAsync("succeeded");
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("0.00 USD");
        await page.GetByLabel("Add Sandwich").ClickAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("8.50 USD");
        await payment.GetByRole(AriaRole.Button, new() { Name = "Refund" }).ClickAsync();
        await Assertions.Expect(payment.Locator("[role=status]")).ToHaveTextAsync("Refunded");
        await Assertions.Expect(payment.Locator("button")).ToHaveCountAsync(0);

        await page.ClickAsync("#pay");
        IPage second = await page.RunAndWaitForPopupAsync(() => page.Locator("#payment a").ClickAsync());
        second.SetDefaultTimeout(WaitLimit);
        await Assertions.Expect(second.Locator("strong")).ToHaveTextAsync("8.50 USD");
        await second.GetByRole(AriaRole.Button, new() { Name = "Let it expire" }).ClickAsync();
        await Assertions.Expect(second.Locator("[role=status]")).ToHaveTextAsync("Expired");
        await Assertions.Expect(page.Locator("#payment")).ToContainTextAsync("expired");
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("8.50 USD");
        Assert.Empty(problems);
    }

    private async Task<(IPage Page, List<string> Problems)> OpenAsync()
    {
        IPage page = await _browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 1200, Height = 850 } });
        page.SetDefaultTimeout(WaitLimit);
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                problems.Add(message.Text);
            }
        };
        await page.GotoAsync(_host.Address.ToString());
        return (page, problems);
    }

    // For people: the pictures lie beside the test's binaries.
    private static Task KeepScreenshotAsync(IPage page, string name) =>
        page.ScreenshotAsync(
            new PageScreenshotOptions { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", name + ".png") });

    [GeneratedRegex("bad")]
    private static partial Regex BadPattern();
}
