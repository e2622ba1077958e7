using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Memo.Evaluation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Memo.Tests.Support;

/// <summary>The whole host on a loopback port, with a data folder of its own.</summary>
internal sealed class MemoApp : IAsyncDisposable
{
    public const string Password = "correct horse battery";

    private readonly WebApplication _app;
    private readonly List<HttpClient> _clients = [];

    private MemoApp(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Client = NewClient();
    }

    public Uri Address { get; }

    /// <summary>A client without cookies.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <param name="folder">The data folder.</param>
    /// <param name="settings">The environment's variables.</param>
    /// <param name="models">The model that judges instead of the configured one.</param>
    /// <param name="time">The clock of all but the web server.</param>
    public static async Task<MemoApp> StartAsync(
        string folder, Dictionary<string, string?>? settings = null, IModelSource? models = null, TimeProvider? time = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        var all = new Dictionary<string, string?>(settings ?? []) { ["MEMO_DATA"] = folder };
        all.TryAdd("LOG_LEVEL", "Error");
        all.TryAdd("urls", "http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(all);
        try
        {
            builder.AddMemo(time);
            builder.Logging.ClearProviders();
            if (models is not null)
            {
                builder.Services.AddSingleton(models);
            }
        }
        catch
        {
            // What was opened before the failure is closed with the services.
            await using ServiceProvider services = builder.Services.BuildServiceProvider();
            services.GetService<Memo.Data.DataFolder>();
            throw;
        }

        WebApplication app = builder.Build();
        app.UseMemo();
        await app.PrepareAsync();
        await app.StartAsync();
        return new MemoApp(app);
    }

    /// <summary>A host with login and its first admin.</summary>
    public static Task<MemoApp> StartWithLoginAsync(
        string folder, Dictionary<string, string?>? settings = null, TimeProvider? time = null)
    {
        Dictionary<string, string?> all = new(settings ?? [])
        {
            ["AUTH_ENABLED"] = "true",
            ["MEMO_ADMIN_USERNAME"] = "admin",
            ["MEMO_ADMIN_PASSWORD"] = Password,
        };
        return StartAsync(folder, all, null, time);
    }

    /// <summary>A browser: it keeps cookies.</summary>
    public HttpClient NewClient()
    {
        var client = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(Address, "/api/v1/"),
            Timeout = TimeSpan.FromSeconds(30),
        };
        _clients.Add(client);
        return client;
    }

    /// <summary>A browser that logged in; it sends the token of its session with each call.</summary>
    public async Task<HttpClient> LoginAsync(string name = "admin", string password = Password)
    {
        HttpClient client = NewClient();
        using HttpResponseMessage response = await client.PostAsJsonAsync("auth/login", new { username = name, password });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonElement session = await client.GetFromJsonAsync<JsonElement>("auth/session");
        client.DefaultRequestHeaders.Add("X-CSRF-Token", session.GetProperty("csrfToken").GetString());
        return client;
    }

    public async Task<HttpClient> LoginAsNewUserAsync(HttpClient admin, string name)
    {
        using HttpResponseMessage made = await admin.PostAsJsonAsync("admin/users", new { username = name, password = Password });
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        return await LoginAsync(name);
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

internal static class Calls
{
    /// <summary>Submits a text and waits for the last event.</summary>
    /// <returns>The evaluation.</returns>
    public static async Task<JsonElement> EvaluateAsync(this HttpClient client, string text)
    {
        string id = await client.SubmitAsync(text);
        await client.EventsAsync(id);
        return await client.GetFromJsonAsync<JsonElement>($"evaluations/{id}");
    }

    public static async Task<string> SubmitAsync(this HttpClient client, string text)
    {
        using HttpResponseMessage response = await client.PostAsJsonAsync("evaluations", new { text });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return body.GetProperty("id").GetString()!;
    }

    /// <summary>All events of an evaluation until its last one.</summary>
    public static async Task<string[]> EventsAsync(this HttpClient client, string id)
    {
        string stream = await client.GetStringAsync($"evaluations/{id}/events");
        return [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(each =>
        {
            string[] lines = each.Split('\n');
            Assert.Equal("event: status", lines[0]);
            return JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement.GetProperty("status").GetString()!;
        })];
    }

    /// <summary>Checks a failure: its status, its media type, its code.</summary>
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage response, int status, string code)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} instead of {status}: {body}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        JsonElement problem = JsonDocument.Parse(body).RootElement;
        Assert.Equal((status, code), (problem.GetProperty("status").GetInt32(), problem.GetProperty("code").GetString()));
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        return problem;
    }
}

/// <summary>Texts of the tests.</summary>
internal static class Texts
{
    public const string Memo = """
        We ask the board to approve 1.2 million euros for a second packing line by March.

        Our first line runs at 97% of what it can do. In 2025 we turned away 14 orders worth 3.1 million euros. A survey of
        40 customers showed that 31 would order more if we could deliver within a week. Therefore growth is limited by us and
        not by the market, which our strategy names as the first priority.

        The line costs 1.2 million euros and saves 400,000 euros a year. The payback is three years, the return 18%.

        There are two risks. First, the supplier may be late; we mitigate this with a penalty and a second source. Second,
        demand could fall. If it falls by 20%, the payback is four years and we stop after phase one.

        The plan has three steps. The team orders in January, builds in February and starts in March. Anna owns it.
        """;
}
