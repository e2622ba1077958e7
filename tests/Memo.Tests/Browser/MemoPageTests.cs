using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Memo.Tests.Support;
using Microsoft.Playwright;

namespace Memo.Tests.Browser;

/// <summary>The page in Debian's Chromium; skipped where it is not installed.</summary>
public sealed class MemoPageTests : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private const string Reason = "/usr/bin/chromium is not installed (Debian package: chromium).";
    private const float WaitLimit = 120_000; // ms: slow machines run this too
    private const string Quote = "Our first line runs at 97%";

    private readonly TempFolder _folder = new();
    private readonly List<string> _problems = [];
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;
    private MemoApp _app = null!;

    public static bool IsInstalled => File.Exists(Chromium);

    public async ValueTask InitializeAsync()
    {
        if (!IsInstalled)
        {
            return;
        }

        AppFixture.RaiseLimits(_folder);
        File.WriteAllText(_folder.File("config/llm.yaml"), "debug_settings:\n  store_raw_prompts: true\n");
        var model = new GatedModel(_ => GatedModel.Fitting(Quote));
        model.Open();
        _app = await MemoApp.StartAsync(
            _folder.Path,
            new()
            {
                ["COACH_MODE"] = "real",
                ["AUTH_ENABLED"] = "true",
                ["MEMO_ADMIN_USERNAME"] = "admin",
                ["MEMO_ADMIN_PASSWORD"] = MemoApp.Password,
            },
            model);
        Assertions.SetDefaultExpectTimeout(WaitLimit);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Timeout = WaitLimit,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
            _playwright.Dispose();
            await _app.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    public async Task Story_ByKeysAlone_FromTheLoginToTheFeedback()
    {
        IPage page = await OpenAsync();
        await AssertGoodAsync(page, "login");
        await TypeAsync(page, "username", "admin");
        await TypeAsync(page, "password", MemoApp.Password);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#page-write")).ToBeVisibleAsync();
        await TypeAsync(page, "text", Texts.Memo);
        await Expect(page.Locator("#counter")).ToContainTextAsync(" of 10 to 10,000 characters");
        await AssertGoodAsync(page, "write");
        await TabToAsync(page, "#editor button[type=submit]");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#page-feedback")).ToBeVisibleAsync();
        await Expect(page.Locator("#overall")).ToHaveTextAsync("4.00");
        await Expect(page.Locator("mark")).ToHaveTextAsync(Quote);
        await Expect(page.Locator("#criteria li")).ToHaveCountAsync(7);
        await AssertGoodAsync(page, "feedback");
        await TabToAsync(page, "#mark-1");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#segment-1")).ToBeFocusedAsync();
        await TabToAsync(page, "#segment-1 button");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#mark-1")).ToBeFocusedAsync();

        await FollowAsync(page, "progress");
        await Expect(page.Locator("#chart circle")).ToHaveCountAsync(1);
        await Expect(page.Locator("#progress-rows tr")).ToHaveCountAsync(1);
        await AssertGoodAsync(page, "progress");
        await FollowAsync(page, "help");
        await Expect(page.Locator("#rubric details")).ToHaveCountAsync(7);
        await TabToAsync(page, "#rubric details:first-child summary");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#rubric details:first-child li")).ToHaveCountAsync(5);
        await Expect(page.Locator("#rubric details:first-child li").First).ToBeVisibleAsync();
        await AssertGoodAsync(page, "help");
        Assert.Empty(_problems);
    }

    [Fact(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    public async Task Admin_EditsTheConfiguration_AddsAPerson_AndLooksIntoAJob()
    {
        IPage page = await OpenAsync();
        await LogInAsync(page, "admin");
        await page.FillAsync("#text", Texts.Memo);
        await page.ClickAsync("#editor button[type=submit]");
        await Expect(page.Locator("#page-feedback")).ToBeVisibleAsync();
        await FollowAsync(page, "admin");
        await page.SelectOptionAsync("#config-name", "llm");
        await Expect(page.Locator("#yaml")).ToHaveValueAsync("debug_settings:\n  store_raw_prompts: true\n");
        await page.FillAsync("#yaml", "debug_settings:\n  store_raw_prompts: true\nprovider:\n  name: nobody\n");
        await page.ClickAsync("#config button[type=submit]");
        await Expect(page.Locator("#yaml-error")).ToContainTextAsync("Line 4: provider:name must be one of claude, openai.");
        Assert.Equal("  name: nobody", await page.EvaluateAsync<string>("() => getSelection().toString()"));
        await AssertGoodAsync(page, "admin-broken");
        _problems.Clear(); // the browser tells each 422

        await page.FillAsync("#yaml", "debug_settings:\n  store_raw_prompts: true\nprovider:\n  name: openai\n");
        await page.ClickAsync("#check");
        await Expect(page.Locator("#diff")).ToContainTextAsync("+   name: openai");
        await page.ClickAsync("#config button[type=submit]");
        await Expect(page.Locator("#message")).ToContainTextAsync("It is in use. The old file is kept as llm-");
        await Expect(page.Locator("#yaml-error")).ToBeEmptyAsync();

        await page.FillAsync("#new-name", "anna");
        await page.FillAsync("#new-password", MemoApp.Password);
        await page.ClickAsync("#add-user button");
        await Expect(page.Locator("#users")).ToContainTextAsync("anna");
        await page.GetByRole(AriaRole.Button, new() { Name = "Prompt and answer" }).ClickAsync();
        await Expect(page.Locator("#debug")).ToBeFocusedAsync();
        await Expect(page.Locator("#debug-prompt")).ToContainTextAsync(Quote);
        await Expect(page.Locator("#debug-answer")).ToContainTextAsync("strengths");
        await AssertGoodAsync(page, "admin");

        await page.ClickAsync("#logout");
        await LogInAsync(page, "anna");
        await Expect(page.Locator("#admin-link")).ToBeHiddenAsync();
        await Expect(page.Locator("#history li")).ToHaveCountAsync(0);
        await FollowAsync(page, "help");
        await page.FillAsync("#old-password", MemoApp.Password);
        await page.FillAsync("#next-password", "another long enough one");
        await page.ClickAsync("#change-password button");
        await Expect(page.Locator("#message")).ToHaveTextAsync("It is changed. Log in with the new one.");
        await LogInAsync(page, "anna", "another long enough one");
    }

    [Theory(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Pages_On320Pixels_NeedNoScrollingSideways(ColorScheme colours)
    {
        IPage page = await OpenAsync(new BrowserNewContextOptions
        {
            ColorScheme = colours,
            ViewportSize = new ViewportSize { Width = 320, Height = 700 },
        });
        string name = colours.ToString().ToLowerInvariant();
        await AssertGoodAsync(page, $"login-320-{name}");
        await LogInAsync(page, "admin");
        await page.FillAsync("#text", Texts.Memo);
        await AssertGoodAsync(page, $"write-320-{name}");
        await page.ClickAsync("#editor button[type=submit]");
        await Expect(page.Locator("#page-feedback")).ToBeVisibleAsync();
        await AssertGoodAsync(page, $"feedback-320-{name}");
        foreach (string each in new[] { "progress", "help", "admin" })
        {
            await FollowAsync(page, each);
            await AssertGoodAsync(page, $"{each}-320-{name}");
        }
    }

    private static async Task TypeAsync(IPage page, string id, string text)
    {
        await TabToAsync(page, "#" + id);
        await page.Keyboard.InsertTextAsync(text);
    }

    private static async Task TabToAsync(IPage page, string selector)
    {
        for (int presses = 0; presses < 80; presses++)
        {
            if (await page.EvaluateAsync<bool>("one => document.activeElement?.matches(one) ?? false", selector))
            {
                return;
            }

            await page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"No key leads to {selector}.");
    }

    private static async Task FollowAsync(IPage page, string name)
    {
        await TabToAsync(page, $"nav a[href='#{name}']");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator($"#page-{name}")).ToBeVisibleAsync();
        string filled = name switch
        {
            "progress" => "#progress-rows tr",
            "help" => "#rubric details",
            _ => "#health li",
        };
        await Expect(page.Locator(filled).First).ToBeVisibleAsync();
    }

    private static async Task LogInAsync(IPage page, string name, string password = MemoApp.Password)
    {
        await page.FillAsync("#username", name);
        await page.FillAsync("#password", password);
        await page.ClickAsync("#login button");
        await Expect(page.Locator("#user")).ToHaveTextAsync(name);
        await page.EvaluateAsync("() => { location.hash = '#write'; }");
        await Expect(page.Locator("#page-write")).ToBeVisibleAsync();
    }

    // Axe, nothing sideways, nothing too small to press; and a picture for people.
    private static async Task AssertGoodAsync(IPage page, string state)
    {
        AxeResult result = await page.RunAxe(new AxeRunOptions
        {
            RunOnly = RunOnlyOptions.Tags("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
        });
        await KeepScreenshotAsync(page, state);
        Assert.Empty(result.Violations.Select(found =>
            $"{state}: {found.Id}: {string.Join(" | ", found.Nodes.Select(node => node.Html))}"));
        int wide = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth");
        Assert.True(wide <= 0, $"{state} is {wide} pixels too wide");
        string[] small = await page.EvaluateAsync<string[]>(
            """
            () => [...document.querySelectorAll('button, input, select, textarea, summary')]
              .filter(one => one.checkVisibility({ visibilityProperty: true }) && one.type !== 'checkbox')
              .filter(one => { const { width, height } = one.getBoundingClientRect(); return width < 24 || height < 24; })
              .map(one => one.outerHTML.slice(0, 120))
            """);
        Assert.Empty(small);
    }

    private static async Task KeepScreenshotAsync(IPage page, string name)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Coach.sln")))
        {
            root = root.Parent;
        }

        string folder = Path.Combine(root?.FullName ?? AppContext.BaseDirectory, "artifacts", "memo");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    private async Task<IPage> OpenAsync(BrowserNewContextOptions? options = null)
    {
        options ??= new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 1200, Height = 850 } };
        IBrowserContext visitor = await _browser.NewContextAsync(options);
        visitor.SetDefaultTimeout(WaitLimit);
        IPage page = await visitor.NewPageAsync();
        page.PageError += (_, error) => _problems.Add(error);
        await page.GotoAsync(_app.Address.ToString());
        await page.Locator("html[data-ready]").WaitForAsync();
        return page;
    }
}
