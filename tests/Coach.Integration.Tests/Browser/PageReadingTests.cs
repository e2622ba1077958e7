using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>How the page reads while an answer streams, in every window, by keyboard and with a screen reader. The test
/// pushes the answer itself.</summary>
[Collection(PageFixture.Collection)]
public sealed class PageReadingTests(PageFixture fixture)
{
    private const string Passages =
        """[{"n":1,"source":"harbour.pdf","heading":"Lamp","text":"At nineteen hours.","score":0.5,"page":3,"at":[[4,6]]},{"n":2,"source":"b.md","heading":null,"text":"Two.","score":0.4,"page":null,"at":[[4,6]]}]""";

    [Fact]
    public async Task Stream_HalfWritten_IsShownAsWhatItIsAboutToBe()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        await open.AskAsync("anything");
        ILocator words = open.Page.Locator(".answer .words");
        await open.PushAsync("See **bo");
        await Expect(words.Locator("strong")).ToHaveTextAsync("bo");
        await Expect(words).Not.ToContainTextAsync("*");
        await open.PushAsync("ld** and `co");
        await Expect(words.Locator("code")).ToHaveTextAsync("co");
        await open.PushAsync("de`\n\n| a | b |\n|--");
        await Expect(words.Locator("th").First).ToHaveTextAsync("a");
        await open.PushAsync("|--|\n| 1 | 2 |\n\n```js\nlet x");
        await Expect(words.Locator("pre")).ToHaveTextAsync("let x");
        await open.PushAsync(" = 1\n```\n\nEnd.");
        await Expect(words.Locator("p").Last).ToHaveTextAsync("End.");
        await open.EndAsync();
        await Expect(words.Locator(".t-keyword")).ToHaveTextAsync("let");
        Assert.Empty(open.Problems);
    }

    [Fact]
    public async Task Citations_OfOneBracket_AreChipsWithTheirPage()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        await open.AskAsync("anything");
        await open.PushAsync("See [1, 2] and [3] and `x[1]`.");
        await open.EndAsync(Passages);
        ILocator words = open.Page.Locator(".answer .words");
        await Expect(words.Locator(".cite")).ToHaveTextAsync(["1", "2"]);
        await Expect(words).ToContainTextAsync("[3]");
        await Expect(open.Page.Locator(".answer .meta")).ToContainTextAsync("$0.0042");
        await words.Locator(".cite").First.ClickAsync();
        await Expect(open.Page.Locator("#passage-heading")).ToContainTextAsync("Lamp · page 3");
    }

    [Fact]
    public async Task ScreenReader_HearsOneAnnouncementAnAnswer()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        await open.Page.EvaluateAsync(
            """
            () => {
              window.heard = [];
              new MutationObserver(() => {
                const text = document.getElementById('announce').textContent;
                if (text) window.heard.push(text);
              }).observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true });
            }
            """);
        await open.AskAsync("anything");
        await Expect(open.Page.Locator("#log")).ToHaveAttributeAsync("aria-busy", "true");
        for (int i = 0; i < 50; i++)
        {
            await open.PushAsync($"word {i} ");
        }

        await open.EndAsync(Passages);
        await Expect(open.Page.Locator("#log")).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(open.Page.Locator("#announce")).ToHaveTextAsync("Answer from gemini complete, 2 sources.");
        Assert.Single(await open.Page.EvaluateAsync<string[]>("() => window.heard"));
        await Expect(open.Page.Locator("#log")).ToHaveAttributeAsync("aria-live", "off");
    }

    [Fact]
    public async Task Scroll_FollowsOnlyAtTheEnd_AndTheLastLineIsSeen()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        IPage page = open.Page;
        await open.AskAsync("anything");
        await open.PushAsync(string.Concat(Enumerable.Range(0, 80).Select(i => $"Paragraph {i}.\n\n")));
        await Expect(page.Locator(".answer p").Last).ToHaveTextAsync("Paragraph 79.");
        await Expect(page.Locator(".answer p").Last).ToBeInViewportAsync();

        await page.EvaluateAsync("() => { document.getElementById('log').scrollTop = 100; }");
        await Expect(page.Locator("#to-end")).ToBeVisibleAsync();
        await open.PushAsync("Paragraph 80.\n\nParagraph 81.");
        await Expect(page.Locator(".answer p").Last).ToHaveTextAsync("Paragraph 81.");
        Assert.Equal(100, await page.EvaluateAsync<int>("() => document.getElementById('log').scrollTop"));

        await page.ClickAsync("#to-end");
        await open.PushAsync("\n\nParagraph 82.");
        await Expect(page.Locator(".answer p").Last).ToHaveTextAsync("Paragraph 82.");
        await open.EndAsync(Passages);
        await Expect(page.Locator(".answer .actions")).ToBeInViewportAsync();
        Assert.True(await page.EvaluateAsync<bool>(
            "() => document.querySelector('.answer').getBoundingClientRect().bottom"
            + " <= document.getElementById('ask').getBoundingClientRect().top"));
    }

    [Fact]
    public async Task Escape_StopsTheAnswer_AndTheKeyboardStaysInTheQuestion()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        IPage page = open.Page;
        await page.FillAsync("#message", "anything");
        await page.Locator("#send").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#stop")).ToBeFocusedAsync();
        await open.PushAsync("Half of it");
        await Expect(page.Locator(".answer .words")).ToHaveTextAsync("Half of it");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".answer .error")).ToContainTextAsync("Stopped.");
        await Expect(page.Locator(".answer .words")).ToHaveTextAsync("Half of it");
        await Expect(page.Locator("#message")).ToBeFocusedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask again" }).ClickAsync();
        await open.PushAsync("All of it.");
        await open.EndAsync();
        await Expect(page.Locator(".answer")).ToHaveCountAsync(1);
        await Expect(page.Locator(".answer .meta")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Keyboard_OnTheTabAndAtTheKey_IsNotLost()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        ILocator add = page.GetByLabel("Add Espresso");
        await add.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#total")).ToHaveTextAsync("3.00 USD");
        await Expect(add).ToBeFocusedAsync();
        await page.GetByLabel("Remove Espresso").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#total")).ToHaveTextAsync("0.00 USD");
        await Expect(add).ToBeFocusedAsync(); // there is nothing left to remove
        await page.FillAsync("#api-key", "nobody-knows-this-key");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#key-message")).ToHaveClassAsync("message bad");
        await Expect(page.Locator("#api-key")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Control+/");
        await Expect(page.Locator("#settings")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("Shift+Escape");
        await Expect(page.Locator("#message")).ToBeFocusedAsync();
    }

    [Theory]
    [InlineData(320, 640)]
    [InlineData(320, 256)] // 1280 × 1024 at 400 %
    public async Task Window_ThatIsNarrow_WrapsAndItsTargetsAreLargeEnough(int width, int height)
    {
        OpenPage open = await fixture.OpenScriptedAsync(
            new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = width, Height = height }, HasTouch = true });
        IPage page = open.Page;
        await open.AskAsync("A question with one very-long-word-" + new string('x', 200));
        await open.PushAsync("See [1, 2]. " + new string('y', 300) + "\n\n| a | b | c | d | e |\n|--|--|--|--|--|\n| "
            + string.Join(" | ", Enumerable.Repeat("some words", 5)) + " |\n\n```\n" + new string('z', 200) + "\n```\n\nThe end.");
        await open.EndAsync(Passages);
        await Expect(page.Locator(".answer .actions")).ToBeInViewportAsync();
        await AssertFitsAsync(page);
        await PageFixture.KeepScreenshotAsync(page, $"answer-{width}x{height}");

        // The key and the tab are behind a button, and it goes back to it.
        await page.ClickAsync("#open-right");
        await Expect(page.Locator("#key-title")).ToBeInViewportAsync();
        await AssertFitsAsync(page);
        await PageFixture.KeepScreenshotAsync(page, $"panel-{width}x{height}");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#open-right")).ToBeFocusedAsync();
        await page.ClickAsync("#open-left");
        await AssertFitsAsync(page);
        await page.Keyboard.PressAsync("Escape");
        await page.Locator(".answer .cite").First.ClickAsync();
        await AssertFitsAsync(page);
    }

    [Fact]
    public async Task Answer_FromRightToLeft_ReadsSo()
    {
        OpenPage open = await fixture.OpenScriptedAsync();
        await open.AskAsync("מתי נדלק המגדלור?");
        await open.PushAsync("המנורה נדלקת בשעה 19.\n\n- אחת\n\nIn English.");
        await open.EndAsync();
        async Task<string> DirectionAsync(string selector) => await open.Page.Locator(selector).First
            .EvaluateAsync<string>("one => getComputedStyle(one).direction");
        Assert.Equal("rtl", await DirectionAsync(".question .words"));
        Assert.Equal("rtl", await DirectionAsync(".answer p"));
        Assert.Equal("rtl", await DirectionAsync(".answer li"));
        Assert.Equal("ltr", await open.Page.Locator(".answer .words > p").Last
            .EvaluateAsync<string>("one => getComputedStyle(one).direction"));
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Axe_FindsNothing(ColorScheme colours)
    {
        OpenPage open = await fixture.OpenScriptedAsync(new BrowserNewContextOptions { ColorScheme = colours });
        IPage page = open.Page;
        await AssertAccessibleAsync(page, "welcome");
        await open.AskAsync("anything");
        await open.PushAsync(
            "See [1, 2] and [a link](https://example.org).\n\n## Title\n\n- [x] done\n\n> quoted\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n"
            + "```cs\nvar x = \"y\"; // 1\n```\n");
        await AssertAccessibleAsync(page, "streaming");
        await open.EndAsync(Passages);
        await Expect(page.Locator(".answer .meta")).ToBeVisibleAsync();
        await page.GetByLabel("Add Espresso").ClickAsync();
        await Expect(page.Locator("#total")).ToHaveTextAsync("3.00 USD");
        await page.Locator("#documents-section > summary").ClickAsync();
        await page.Locator("#usage-section > summary").ClickAsync();
        await AssertAccessibleAsync(page, "answer");
        await PageFixture.KeepScreenshotAsync(page, $"answer-{colours}".ToLowerInvariant());
        await page.Locator(".answer .cite").First.ClickAsync();
        await AssertAccessibleAsync(page, "passage");
        await page.Keyboard.PressAsync("Escape");
        await page.ClickAsync("#open-settings");
        await AssertAccessibleAsync(page, "settings");
        await page.Keyboard.PressAsync("Escape");
        await page.SetViewportSizeAsync(400, 800);
        await page.ClickAsync("#open-right");
        await AssertAccessibleAsync(page, "panel");
    }

    [Fact]
    public async Task Documents_ThatAreBeingRead_SayHowFar()
    {
        IBrowserContext visitor = await fixture.NewVisitorAsync();
        string reading = ",\"reading\":{\"documents\":1200,\"total\":6000}";
        await visitor.RouteAsync("**/api/knowledge", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = "{\"documents\":1150,\"passages\":9000,\"read\":0,\"skipped\":[],\"skippedCount\":0,\"failed\":[],"
                + "\"failedCount\":0,\"guessed\":[],\"kinds\":{},\"at\":null" + reading + "}",
        }));
        OpenPage open = await fixture.OpenAsync(visitor);
        ILocator banner = open.Page.Locator("#reading");
        await Expect(banner).ToContainTextAsync("Documents are still being read (1,200 of 6,000).");
        reading = "";
        await Expect(banner).ToBeHiddenAsync();
        await Expect(open.Page.Locator("#account")).ToHaveTextAsync("1,150 documents, 9,000 passages");
    }

    [Fact]
    public async Task Settings_AreKeptAndFollowed()
    {
        (IPage page, _) = await fixture.OpenAsync();
        await page.ClickAsync("#open-settings");
        await page.GetByLabel("dark", new() { Exact = true }).CheckAsync();
        await page.GetByLabel("larger", new() { Exact = true }).CheckAsync();
        await page.ReloadAsync();
        await page.Locator("html[data-ready]").WaitForAsync();
        Assert.Equal("dark", await page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).colorScheme"));
        Assert.Equal("22px", await page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).fontSize"));
        await PageFixture.KeepScreenshotAsync(page, "larger-dark");
    }

    // Nothing goes sideways, and what can be pressed is 24 × 24 at least (a link within text may be smaller).
    private static async Task AssertFitsAsync(IPage page)
    {
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"));
        string[] small = await page.EvaluateAsync<string[]>(
            """
            () => [...document.querySelectorAll('button, input, select, textarea, summary, a.icon')]
              .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.visually-hidden'))
              .filter(one => { const { width, height } = one.getBoundingClientRect(); return width < 24 || height < 24; })
              .map(one => one.outerHTML.slice(0, 120))
            """);
        Assert.Empty(small);
    }

    private static async Task AssertAccessibleAsync(IPage page, string state)
    {
        AxeResult result = await page.RunAxe(new AxeRunOptions
        {
            RunOnly = RunOnlyOptions.Tags("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
        });
        Assert.Empty(result.Violations.Select(found => $"{state}: {found.Id}: {Nodes(found)}"));
        Assert.Empty(result.Incomplete.Select(found => $"{state}: {found.Id}: {Nodes(found)}"));
    }

    private static string Nodes(AxeResultItem found) => string.Join(" | ", found.Nodes.Select(node => node.Html));

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
