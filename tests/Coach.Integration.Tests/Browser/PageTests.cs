using System.Text.RegularExpressions;
using Coach.Testing;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>The page in a real browser: what it did from the start.</summary>
[Collection(PageFixture.Collection)]
public sealed partial class PageTests(PageFixture fixture)
{
    private const float WaitLimit = PageFixture.WaitLimit;

    [Fact]
    public async Task Page_AskWithoutAKey_StreamsTheAnswerAndOpensItsPassage()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
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
        await PageFixture.KeepScreenshotAsync(page, "passage");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_KeyEntered_AnswersForRealAndForgetsItOnRequest()
    {
        fixture.Providers.SetKey("gemini", "page-test-key");
        fixture.Providers.AnswerAlways("gemini", _ => ScriptedAnswer.Text("At nineteen hours [1]."));
        (IPage page, List<string> problems) = await fixture.OpenAsync();
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
        (IPage page, _) = await fixture.OpenAsync();
        await page.FillAsync("#api-key", "nobody-knows-this-key");
        await page.ClickAsync("#key-form button");
        await Assertions.Expect(page.Locator("#key-message")).ToHaveClassAsync(BadPattern());
        Assert.DoesNotContain("nobody-knows", await page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_OrderOntoATab_GetsOnePaymentLink()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
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
        await PageFixture.KeepScreenshotAsync(page, "tab");
        await page.ClickAsync("#cancel");
        await Assertions.Expect(page.Locator("#payment")).ToContainTextAsync("expired");
        await Assertions.Expect(page.Locator("#cancel")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("16.68 USD"); // unpaid lines are never lost
        await page.ClickAsync("#new-tab");
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("0.00 USD");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_ClickedFasterThanTheServerAnswers_LosesNoClick()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        var held = new TaskCompletionSource();
        await page.RouteAsync("**/lines", async route =>
        {
            await held.Task;
            await route.ContinueAsync();
        });
        await page.GetByLabel("Add Espresso").ClickAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await page.GetByLabel("Add Sandwich").ClickAsync();
        held.SetResult();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("14.50 USD");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Page_PaysItsTabOnTheSimulatedPage_PlaysTheWholeStory()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await Assertions.Expect(page.Locator("#total")).ToHaveTextAsync("3.00 USD");
        await page.ClickAsync("#pay");
        ILocator link = page.Locator("#payment a");
        IPage payment = await page.RunAndWaitForPopupAsync(() => link.ClickAsync());
        payment.SetDefaultTimeout(WaitLimit);
        await Assertions.Expect(payment.Locator("strong")).ToHaveTextAsync("3.00 USD");
        await Assertions.Expect(payment.Locator("[role=status]")).ToContainTextAsync("Nothing to pay here");
        await PageFixture.KeepScreenshotAsync(payment, "simulated");
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

    [GeneratedRegex("bad")]
    private static partial Regex BadPattern();
}
