using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.Playwright;

namespace Coach.Integration.Tests.Browser;

/// <summary>One browser, one host and one fake of the providers for all tests of the page; each test is a visitor of its
/// own. Debian's Chromium, when it is installed.</summary>
public sealed class PageFixture : IAsyncLifetime
{
    public const string Collection = "page";
    public const float WaitLimit = 120_000; // ms: slow machines run this too

    private const string Chromium = "/usr/bin/chromium";
    private TempFolder _knowledge = null!;
    private IPlaywright _playwright = null!;
    private IBrowser? _browser;

    public ChatHost Host { get; private set; } = null!;

    public ProviderFake Providers { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Chromium))
        {
            return;
        }

        _knowledge = new TempFolder();
        await File.WriteAllTextAsync(
            _knowledge.File("harbour.md"),
            "# Harbour guide\n\n## Lighthouse\n\nThe lighthouse keeper lights the lamp at nineteen hours. <b "
            + "onclick=alert(1)>Bold</b> claims are not markup.\n\n## Berths\n\nVisitors moor at the east pier.\n");
        Providers = await ProviderFake.StartAsync();
        Host = await ChatHost.StartAsync(
            values =>
            {
                values["Coach:Llm:Gemini:BaseUrl"] = Providers.BaseUrl("gemini").ToString();
                values["Coach:Llm:OpenAI:BaseUrl"] = Providers.BaseUrl("openai").ToString();
                values["Coach:Llm:Requests:MaxRetries"] = "0";
                values["Coach:Knowledge:AllowEditing"] = "true";
                values["Coach:Page:Title"] = "Harbour & pier";
                values["Coach:Page:Suggestions:0"] = "When does the lighthouse keeper light the <lamp>?";
            },
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
            await Host.DisposeAsync();
            await Providers.DisposeAsync();
            _knowledge.Dispose();
        }
    }

    /// <summary>A browser of its own: cookies, storage, window.</summary>
    public async Task<IBrowserContext> NewVisitorAsync(BrowserNewContextOptions? options = null)
    {
        Assert.SkipUnless(_browser is not null, $"{Chromium} is not installed (Debian package: chromium)");
        options ??= new BrowserNewContextOptions();
        options.ViewportSize ??= new ViewportSize { Width = 1200, Height = 850 };
        IBrowserContext context = await _browser!.NewContextAsync(options);
        context.SetDefaultTimeout(WaitLimit);
        return context;
    }

    /// <summary>The page in a visitor's browser, ready, with what its console said is wrong.</summary>
    public async Task<OpenPage> OpenAsync(IBrowserContext? visitor = null, Uri? address = null)
    {
        visitor ??= await NewVisitorAsync();
        IPage page = await visitor.NewPageAsync();
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                problems.Add(message.Text);
            }
        };
        await page.GotoAsync((address ?? Host.Address).ToString());
        await page.Locator("html[data-ready]").WaitForAsync();
        return new OpenPage(page, problems);
    }

    /// <summary>A visitor whose answers are pushed by the test: <c>push(event, data)</c>, then <c>finish()</c>.</summary>
    public async Task<OpenPage> OpenScriptedAsync(BrowserNewContextOptions? options = null)
    {
        IBrowserContext visitor = await NewVisitorAsync(options);
        await visitor.AddInitScriptAsync(
            """
            const real = window.fetch;
            window.fetch = (input, init) => {
              if (!String(input).endsWith('/api/chat') || init?.method !== 'POST') return real(input, init);
              window.asked = JSON.parse(init.body);
              const encoder = new TextEncoder();
              const body = new ReadableStream({
                start(controller) {
                  window.push = (event, data) =>
                    controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
                  window.finish = () => controller.close();
                  init.signal?.addEventListener('abort', () => controller.error(new DOMException('', 'AbortError')));
                },
              });
              return Promise.resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
            };
            window.end = (passages = []) => {
              window.push('citations', { passages });
              window.push('done', { usage: { inputTokens: 1200, outputTokens: 34, costMicro: 4200, currency: 'usd' },
                finishReason: 'stop', ragTier: 'hybrid', provider: 'gemini', paidBy: 'caller' });
              window.finish();
            };
            """);
        return await OpenAsync(visitor);
    }

    /// <summary>For people: the pictures lie in the repository's artifacts folder, which is not part of it.</summary>
    public static async Task KeepScreenshotAsync(IPage page, string name)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Coach.sln")))
        {
            root = root.Parent;
        }

        string folder = Path.Combine(root?.FullName ?? AppContext.BaseDirectory, "artifacts", "page");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png") });
    }
}

/// <summary>A page that is open, and what its console complained of.</summary>
public sealed record OpenPage(IPage Page, List<string> Problems)
{
    public async Task AskAsync(string question)
    {
        await Page.FillAsync("#message", question);
        await Page.PressAsync("#message", "Enter");
    }

    public Task PushAsync(string text) => Page.EvaluateAsync("text => window.push('delta', { text })", text);

    public Task EndAsync(string passages = "[]") => Page.EvaluateAsync($"() => window.end({passages})");
}

[CollectionDefinition(PageFixture.Collection)]
public sealed class PageCollection : ICollectionFixture<PageFixture>;
