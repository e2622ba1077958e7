using System.Text.Json;
using Coach.Testing;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>What people do with the page, against a real host, with and without a key.</summary>
[Collection(PageFixture.Collection)]
public sealed class PageStoryTests(PageFixture fixture)
{
    private const string Question = "When does the lighthouse keeper light the lamp?";

    [Fact]
    public async Task Page_WithoutAKey_TellsTheWholeStory()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        Assert.Equal("Harbour & pier", await page.TitleAsync());
        await page.GetByRole(AriaRole.Button, new() { Name = "When does the lighthouse keeper light the <lamp>?" }).ClickAsync();
        ILocator answer = page.Locator(".answer");
        await Expect(answer.Locator(".meta")).ToContainTextAsync("mock answer");
        await Expect(page.Locator("#conversations li")).ToHaveCountAsync(1);

        // What each method gave, and the passage in its document.
        await answer.GetByRole(AriaRole.Button, new() { Name = "How these were found" }).ClickAsync();
        await Expect(answer.Locator(".methods thead")).ToContainTextAsync("Words (BM25)");
        await Expect(answer.Locator(".methods tbody")).ToContainTextAsync("harbour.md");
        ILocator chip = answer.Locator(".cite").First;
        await chip.ClickAsync();
        await Expect(page.Locator("#passage-text mark")).ToContainTextAsync("nineteen hours");
        await page.ClickAsync("#passage-whole");
        await Expect(page.Locator("#passage-text")).ToContainTextAsync("east pier");
        await Expect(page.Locator("#passage-text mark")).ToContainTextAsync("nineteen hours");
        await PageFixture.KeepScreenshotAsync(page, "whole-document");
        await page.Keyboard.PressAsync("Escape");
        await Expect(chip).ToBeFocusedAsync();

        // Thumbs with a note.
        await answer.GetByRole(AriaRole.Button, new() { Name = "Bad answer" }).ClickAsync();
        await answer.GetByLabel("Note about this answer").FillAsync("too short");
        IResponse sent = await page.RunAndWaitForResponseAsync(
            () => answer.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync(),
            response => response.Url.EndsWith("/api/feedback", StringComparison.Ordinal));
        Assert.Equal(204, sent.Status);

        // Asked again in other words, and once more: still one turn on both sides.
        await page.Locator(".question .words").HoverAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Edit and ask again" }).ClickAsync();
        await page.GetByLabel("Edit the question").FillAsync("Where do visitors moor?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(answer.Locator(".words")).ToContainTextAsync("east pier");
        await Expect(answer.Locator(".meta")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Regenerate" }).ClickAsync();
        await Expect(page.Locator("#stop")).ToBeHiddenAsync();
        await Expect(answer.Locator(".meta")).ToBeVisibleAsync();
        await Expect(page.Locator(".question")).ToHaveCountAsync(1);
        await Expect(page.Locator(".question .words")).ToHaveTextAsync("Where do visitors moor?");
        Assert.Equal(2, await MessagesAsync(page));

        // A reload and a second tab show it, with its citations.
        await page.ReloadAsync();
        await Expect(page.Locator(".answer .cite").First).ToBeVisibleAsync();
        (IPage second, _) = await fixture.OpenAsync(page.Context);
        await Expect(second.Locator(".question .words")).ToHaveTextAsync("Where do visitors moor?");

        // And what is asked there comes to this tab.
        await second.FillAsync("#message", Question);
        await second.PressAsync("#message", "Enter");
        await Expect(page.Locator(".question")).ToHaveCountAsync(2);
        await Expect(page.Locator(".answer").Last).ToContainTextAsync("nineteen hours");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Conversations_AreKeptApartRenamedExportedAndDeleted()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await new OpenPage(page, problems).AskAsync(Question);
        await Expect(page.Locator(".answer .meta")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Control+Shift+O");
        await Expect(page.Locator(".question")).ToHaveCountAsync(0);
        await Expect(page.Locator("#message")).ToBeFocusedAsync();
        await new OpenPage(page, problems).AskAsync("Where do visitors moor?");
        await Expect(page.Locator("#conversations li")).ToHaveCountAsync(2);
        await Expect(page.Locator("#conversations .current")).ToContainTextAsync("Where do visitors");

        ILocator first = page.Locator("#conversations li", new() { HasText = "lighthouse" });
        await first.HoverAsync();
        await first.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await page.GetByLabel("Title").FillAsync("The <b>lamp</b>");
        await page.Keyboard.PressAsync("Enter");
        ILocator renamed = page.Locator("#conversations li", new() { HasText = "The <b>lamp</b>" });
        await Expect(renamed.Locator(".open")).ToBeFocusedAsync();
        IDownload file = await page.RunAndWaitForDownloadAsync(
            () => renamed.GetByRole(AriaRole.Link, new() { Name = "Export" }).ClickAsync());
        Assert.EndsWith(".json", file.SuggestedFilename, StringComparison.Ordinal);
        await renamed.Locator(".open").ClickAsync();
        await Expect(page.Locator(".question .words")).ToHaveTextAsync(Question);

        await renamed.HoverAsync();
        await renamed.GetByRole(AriaRole.Button, new() { Name = "Delete The" }).ClickAsync();
        await page.Keyboard.PressAsync("Enter"); // the answer "Delete" has the focus
        await Expect(page.Locator("#conversations li")).ToHaveCountAsync(1);
        await Expect(page.Locator(".question .words")).ToHaveTextAsync("Where do visitors moor?");
        await page.GetByRole(AriaRole.Button, new() { Name = "Forget this conversation" }).ClickAsync();
        await Expect(page.Locator("#welcome")).ToBeVisibleAsync();
        Assert.Equal(0, await MessagesAsync(page));
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Answer_InMarkdown_IsRenderedAndHarmless()
    {
        fixture.Providers.SetKey("openai", "markdown-key");
        fixture.Providers.AnswerAlways("openai", _ => ScriptedAnswer.Text(
            """
            ## Lamp

            The keeper lights it **at nineteen hours** [1], as `items[1]` does not say.

            | Hour | Lamp |
            |-----:|------|
            | 19   | on   |

            ```csharp
            var lamp = items[1]; // on
            ```

            - [site](https://example.org/a?b=1)
            - [bad](javascript:document.title='hacked')
            - ![picture](https://evil.example/pixel.png)

            <img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>
            """).WithUsage(1234, 56));
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await EnterKeyAsync(page, "openai", "markdown-key");
        var foreign = new List<string>();
        page.Request += (_, request) => foreign.Add(new Uri(request.Url).Host);
        await new OpenPage(page, problems).AskAsync(Question);
        ILocator answer = page.Locator(".answer");
        await Expect(answer.Locator(".meta")).ToContainTextAsync("openai · 1,234 tokens in, 56 out");
        await Expect(answer.Locator("h3")).ToHaveTextAsync("Lamp");
        await Expect(answer.Locator("strong")).ToHaveTextAsync("at nineteen hours");
        await Expect(answer.Locator(".words td").First).ToHaveTextAsync("19");
        await Expect(answer.Locator(".t-keyword")).ToHaveTextAsync("var");
        await Expect(answer.Locator(".cite")).ToHaveCountAsync(1);
        await Expect(answer.Locator("code .cite, pre .cite")).ToHaveCountAsync(0);
        ILocator link = answer.GetByRole(AriaRole.Link, new() { Name = "site" });
        await Expect(link).ToHaveAttributeAsync("rel", "noopener noreferrer nofollow");
        Assert.Equal(0, await answer.Locator("img, script, iframe, [onerror], a[href^=javascript]").CountAsync());
        Assert.Equal("Harbour & pier", await page.TitleAsync());
        Assert.All(foreign, host => Assert.Equal("127.0.0.1", host));
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await answer.GetByRole(AriaRole.Button, new() { Name = "Copy the code" }).ClickAsync();
        await Expect(page.Locator("#announce")).ToHaveTextAsync("Copied.");
        Assert.Equal("var lamp = items[1]; // on", await page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
        await Expect(page.Locator("#conversation-total")).ToContainTextAsync("1,290 tokens");
        await page.Locator("#usage-section summary").ClickAsync();
        await Expect(page.Locator("#usage")).ToContainTextAsync("1,290 tokens");
        await PageFixture.KeepScreenshotAsync(page, "markdown");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Models_AreTheKeysOwn_AndTheChosenOneIsAsked()
    {
        fixture.Providers.SetKey("openai", "models-key");
        fixture.Providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("Yes."));
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await Expect(page.Locator("#model")).ToBeHiddenAsync();
        await EnterKeyAsync(page, "openai", "models-key");
        ILocator options = page.Locator("#model optgroup[label=OpenAI] option");
        string[] values = await options.EvaluateAllAsync<string[]>("all => all.map(one => one.value)");
        Assert.True(values.Length > 1);
        await page.SelectOptionAsync("#model", values[^1]);
        IRequest asked = await page.RunAndWaitForRequestAsync(
            () => new OpenPage(page, problems).AskAsync(Question),
            request => request.Method == "POST" && request.Url.EndsWith("/api/chat", StringComparison.Ordinal));
        JsonElement body = JsonDocument.Parse(asked.PostData!).RootElement;
        Assert.Equal(values[^1], $"{body.GetProperty("provider")}|{body.GetProperty("model")}");
        await Expect(page.Locator(".answer .meta")).ToContainTextAsync("openai");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Session_EndedInAnotherTab_IsSaidAndBadgeFollows()
    {
        fixture.Providers.SetKey("openai", "two-tabs-key");
        fixture.Providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("At nineteen hours [1]."));
        (IPage page, _) = await fixture.OpenAsync();
        await EnterKeyAsync(page, "openai", "two-tabs-key");
        await Expect(page.Locator("#mode")).ToHaveTextAsync("real answers");
        (IPage other, _) = await fixture.OpenAsync(page.Context);
        await Expect(other.Locator("#mode")).ToHaveTextAsync("real answers");

        // A tab of another program: nothing tells this one.
        await page.EvaluateAsync("() => fetch('/api/session', { method: 'DELETE' })");
        await new OpenPage(page, []).AskAsync(Question);
        await Expect(page.Locator(".answer .meta")).ToContainTextAsync("mock answer");
        await Expect(page.Locator("#mode")).ToHaveTextAsync("mock answers");
        await Expect(page.Locator("#keys li")).ToHaveCountAsync(0);
        await Expect(page.Locator("#banner")).ToContainTextAsync("The session has ended");
        await Expect(other.Locator("#mode")).ToHaveTextAsync("mock answers");
    }

    [Fact]
    public async Task Provider_ThatFails_LeavesTheQuestionAndOneHint()
    {
        fixture.Providers.SetKey("gemini", "failing-key");
        (IPage page, _) = await fixture.OpenAsync();
        await EnterKeyAsync(page, "gemini", "failing-key");
        fixture.Providers.Answer("gemini", ScriptedAnswer.Text("A long answer that does not come to its end at all."));
        fixture.Providers.Fail("gemini", ProviderFault.CutAfter(3));
        await new OpenPage(page, []).AskAsync(Question);
        ILocator failed = page.Locator(".answer.failed");
        await Expect(failed.Locator(".error")).ToBeVisibleAsync();
        await Expect(failed.Locator(".error .hint")).ToHaveCountAsync(1);
        Assert.Equal(Question, await page.InputValueAsync("#message"));
        fixture.Providers.Recover("gemini");
        fixture.Providers.Answer("gemini", ScriptedAnswer.Text("At nineteen hours [1]."));
        await failed.GetByRole(AriaRole.Button, new() { Name = "Ask again" }).ClickAsync();
        await Expect(page.Locator(".answer .meta")).ToContainTextAsync("gemini");
        await Expect(page.Locator(".answer")).ToHaveCountAsync(1);
        Assert.Equal("", await page.InputValueAsync("#message"));
    }

    [Fact]
    public async Task Network_ThatIsAway_IsASentence()
    {
        (IPage page, _) = await fixture.OpenAsync();
        await page.Context.SetOfflineAsync(true);
        await Expect(page.Locator("#banner")).ToContainTextAsync("You are offline");
        await new OpenPage(page, []).AskAsync(Question);
        await Expect(page.Locator(".answer.failed .error")).ToContainTextAsync("You are offline.");
        Assert.Equal(Question, await page.InputValueAsync("#message"));
        await page.Context.SetOfflineAsync(false);
        await Expect(page.Locator("#banner")).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Ask again" }).ClickAsync();
        await Expect(page.Locator(".answer .meta")).ToContainTextAsync("mock answer");
    }

    [Fact]
    public async Task App_ThatIsInstalled_SaysThatItIsOffline()
    {
        (IPage page, _) = await fixture.OpenAsync();
        await page.EvaluateAsync("() => navigator.serviceWorker.ready.then(() => true)");
        Assert.Equal(
            "Harbour & pier",
            await page.EvaluateAsync<string>(
                "() => fetch(document.querySelector('link[rel=manifest]').href).then(r => r.json()).then(m => m.name)"));
        await page.Context.SetOfflineAsync(true);
        await page.ReloadAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("You are offline, or the server cannot be reached.");
    }

    [Fact]
    public async Task Documents_AreAddedCitedAndRemoved()
    {
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await page.Locator("#documents-section > summary").ClickAsync();
        await Expect(page.Locator("#account")).ToContainTextAsync("document");
        await page.SetInputFilesAsync("#files", new FilePayload
        {
            Name = "ferry <1>.md",
            MimeType = "text/markdown",
            Buffer = "# Ferry\n\nThe ferry to Utopia leaves at quarter past seven."u8.ToArray(),
        });
        await Expect(page.Locator("#documents-message")).ToContainTextAsync("1 added");
        await new OpenPage(page, problems).AskAsync("When does the ferry to Utopia leave?");
        await Expect(page.Locator(".answer .words")).ToContainTextAsync("quarter past seven");
        await page.Locator(".sources button", new() { HasText = "ferry" }).ClickAsync();
        await page.ClickAsync("#passage-whole");
        await Expect(page.Locator("#passage-text mark")).ToContainTextAsync("quarter past seven");
        await page.Keyboard.PressAsync("Escape");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove ferry" }).ClickAsync();
        await Expect(page.Locator("#documents-message")).ToHaveTextAsync("Removed.");
        await Expect(page.Locator("#added li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Page_WithoutJavaScript_IsASentence()
    {
        IBrowserContext visitor = await fixture.NewVisitorAsync(new BrowserNewContextOptions { JavaScriptEnabled = false });
        IPage page = await visitor.NewPageAsync();
        await page.GotoAsync(fixture.Host.Address.ToString());
        await Expect(page.Locator("noscript p")).ToBeVisibleAsync();
    }

    private static async Task EnterKeyAsync(IPage page, string provider, string key)
    {
        await page.SelectOptionAsync("#provider", provider);
        await page.FillAsync("#api-key", key);
        await page.ClickAsync("#key-form button");
        await Expect(page.Locator("#key-message")).ToContainTextAsync("Valid.");
    }

    [Fact]
    public async Task Files_OfAQuestion_AreOfferedWithAModelAndSentWithIt()
    {
        fixture.Providers.SetKey("openai", "files-key");
        fixture.Providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("A lamp."));
        (IPage page, List<string> problems) = await fixture.OpenAsync();
        await Expect(page.Locator("#attach")).ToBeHiddenAsync();
        await EnterKeyAsync(page, "openai", "files-key");
        await Expect(page.Locator("#attach")).ToBeVisibleAsync();
        byte[] png = [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 1, 2, 3, 4];
        await page.SetInputFilesAsync("#question-files",
        [
            new FilePayload { Name = "lamp.png", MimeType = "image/png", Buffer = png },
            new FilePayload { Name = "tool.exe", MimeType = "application/octet-stream", Buffer = [1] },
            new FilePayload { Name = "tides.csv", MimeType = "", Buffer = "hour,height"u8.ToArray() },
        ]);
        await Expect(page.Locator("#question-file-message")).ToContainTextAsync("tool.exe");
        await Expect(page.Locator("#question-file-list li")).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove tides.csv" }).ClickAsync();
        await Expect(page.Locator("#message")).ToBeFocusedAsync();
        await PageFixture.KeepScreenshotAsync(page, "files");

        IRequest asked = await page.RunAndWaitForRequestAsync(
            () => new OpenPage(page, problems).AskAsync("What is this?"),
            request => request.Method == "POST" && request.Url.EndsWith("/api/chat", StringComparison.Ordinal));
        JsonElement file = Assert.Single(
            JsonDocument.Parse(asked.PostData!).RootElement.GetProperty("files").EnumerateArray());
        Assert.Equal("lamp.png", file.GetProperty("name").GetString());
        Assert.Equal(Convert.ToBase64String(png), file.GetProperty("data").GetString());
        await Expect(page.Locator(".answer .words")).ToContainTextAsync("A lamp.");
        await Expect(page.Locator(".question")).ToContainTextAsync("With lamp.png");
        await Expect(page.Locator("#question-file-list")).ToBeHiddenAsync();
        await page.ReloadAsync();
        await Expect(page.Locator(".question")).ToContainTextAsync("With lamp.png");
        Assert.Empty(problems);
    }

    // How many messages the host keeps of the conversation that is shown.
    private static Task<int> MessagesAsync(IPage page) => page.EvaluateAsync<int>(
        "() => fetch('/api/chat?conversation=' + (localStorage['coach.conversation'] ?? 'default'))"
        + ".then(answer => answer.json()).then(kept => kept.messages.length)");

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
