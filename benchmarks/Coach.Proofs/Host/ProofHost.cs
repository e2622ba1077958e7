using System.Collections.Concurrent;
using Coach.AspNetCore;
using Coach.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.Proofs.Host;

/// <summary>samples/Chat's pipeline on loopback ports, over documents and fake providers, with every log line kept.</summary>
internal sealed class ProofHost : IAsyncDisposable
{
    public const string Secret = "The house soup is pumpkin soup, and its code word is QUITTENGELEE.";

    private readonly DirectoryInfo _folder;
    private readonly KeptLines _lines;

    private ProofHost(WebApplication app, ProviderFake providers, DirectoryInfo folder, KeptLines lines)
    {
        (App, Providers, _folder, _lines) = (app, providers, folder, lines);
        string? operations = app.Configuration["Coach:Observability:Port"];
        Port = app.Urls.Select(url => new Uri(url).Port)
            .First(port => port.ToString(System.Globalization.CultureInfo.InvariantCulture) != operations);
    }

    public WebApplication App { get; }

    public ProviderFake Providers { get; }

    public int Port { get; }

    public string Folder => _folder.FullName;

    public string IndexFile => Path.Combine(Folder, "kept", "knowledge.coach");

    /// <summary>What a console would show, one entry an event.</summary>
    public IReadOnlyCollection<string> Lines => _lines.Lines;

    /// <summary>Lets go of the lines: they are this program's memory, not the host's.</summary>
    public void ForgetLines() => _lines.Lines.Clear();

    public static async Task<ProofHost> StartAsync(
        Dictionary<string, string?>? settings = null, Dictionary<string, string>? documents = null, Action<string>? prepare = null,
        Action<CoachBuilder>? build = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-proof-");
        string knowledge = Directory.CreateDirectory(Path.Combine(folder.FullName, "knowledge")).FullName;
        foreach ((string name, string text) in documents ?? new() { ["menu.md"] = "# Menu\n\n" + Secret })
        {
            await File.WriteAllTextAsync(Path.Combine(knowledge, name), text);
        }

        string web = Directory.CreateDirectory(Path.Combine(folder.FullName, "wwwroot")).FullName;
        await File.WriteAllTextAsync(Path.Combine(web, "index.html"), "<!doctype html><script src=\"page.js\" type=\"module\"></script>");
        await File.WriteAllTextAsync(Path.Combine(web, "page.js"), "export {};");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.json"), "{}");
        prepare?.Invoke(folder.FullName);
        ProviderFake providers = await ProviderFake.StartAsync();
        var lines = new KeptLines();
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = "Production", ContentRootPath = folder.FullName });
        builder.Logging.ClearProviders().AddProvider(lines);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Coach:Rag:Knowledge"] = knowledge,
            ["Coach:Rag:IndexFile"] = Path.Combine(folder.FullName, "kept", "knowledge.coach"),
            ["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString(),
            ["Coach:Llm:OpenAI:BaseUrl"] = providers.BaseUrl("openai").ToString(),
            ["Coach:Llm:Anthropic:BaseUrl"] = providers.BaseUrl("anthropic").ToString(),
            ["Coach:Llm:OpenRouter:BaseUrl"] = providers.BaseUrl("openrouter").ToString(),
            ["Coach:Llm:Requests:MaxRetries"] = "0",
            ["Coach:Drain"] = "00:00:00",
            ["Coach:RateLimits:AddressBurst"] = "1000000",
            ["Coach:RateLimits:AddressPerMinute"] = "1000000",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        CoachBuilder coach = builder.AddCoach();
        build?.Invoke(coach);
        WebApplication app = builder.Build();
        app.UseCoach();
        app.UseCoachPage();
        app.MapCoach();
        await app.StartAsync();
        return new ProofHost(app, providers, folder, lines);
    }

    public Task<RawAnswer> SendAsync(string method, string path, string? body = null, params string[] headers) =>
        RawHttp.SendAsync(Port, RawHttp.Request(method, path, body, headers));

    /// <summary>A session's cookie, without a key.</summary>
    public async Task<string> VisitAsync() =>
        (await SendAsync("GET", "/api/session")).Cookie ?? throw new InvalidOperationException("No cookie came.");

    /// <summary>Enters a key that works.</summary>
    public Task<RawAnswer> EnterAsync(string? cookie, string provider = "gemini", string key = "proof-key-of-gemini", string from = "127.0.0.1")
    {
        Providers.SetKey(provider, key);
        return RawHttp.SendAsync(
            Port, RawHttp.Request("POST", "/api/session/keys", $$"""{"provider":"{{provider}}","apiKey":"{{key}}"}""", Of(cookie)), from);
    }

    public Task<RawAnswer> AskAsync(string? cookie, string message = "Which soup is the house soup?") =>
        SendAsync("POST", "/api/chat", $$"""{"message":"{{message}}"}""", Of(cookie));

    public static string Of(string? cookie) => cookie is null ? "" : "Cookie: " + cookie;

    /// <summary>Asks until the documents were read.</summary>
    public async Task<bool> HasReadAsync(TimeSpan limit)
    {
        using var end = new CancellationTokenSource(limit);
        while (!end.IsCancellationRequested)
        {
            if ((await AskAsync(null)).Body.Contains("QUITTENGELEE", StringComparison.Ordinal))
            {
                return true;
            }

            await Task.Delay(100);
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        await Providers.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private sealed class KeptLines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Enqueue(formatter(state, exception) + exception);
            }
        }

        public void Dispose()
        {
        }
    }
}
