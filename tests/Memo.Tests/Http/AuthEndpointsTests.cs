using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.Testing;
using Memo.Tests.Support;

namespace Memo.Tests.Http;

public sealed class AuthEndpointsTests(LoginFixture shared) : IClassFixture<LoginFixture>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Session_WithoutLogin_IsTheLocalAdmin_AndNoTokenIsAsked()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        JsonElement session = await app.Client.GetFromJsonAsync<JsonElement>("auth/session");
        Assert.Equal(["user", "isAdmin", "csrfToken"], session.EnumerateObject().Select(each => each.Name));
        Assert.Equal("local", session.GetProperty("user").GetString());
        Assert.True(session.GetProperty("isAdmin").GetBoolean());
        using HttpResponseMessage login = await app.Client.PostAsJsonAsync("auth/login", new { username = "a", password = "b" });
        Assert.True((await login.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("isAdmin").GetBoolean());
        using HttpResponseMessage logout = await app.Client.PostAsync("auth/logout", null);
        Assert.Equal(HttpStatusCode.NoContent, logout.StatusCode);
    }

    [Theory]
    [InlineData("GET", "auth/session")]
    [InlineData("POST", "evaluations")]
    [InlineData("GET", "evaluations")]
    [InlineData("GET", "evaluations/00000000000000000000000000000000")]
    [InlineData("DELETE", "evaluations/00000000000000000000000000000000")]
    [InlineData("GET", "progress")]
    [InlineData("GET", "rubric")]
    [InlineData("GET", "me/export")]
    [InlineData("DELETE", "me")]
    [InlineData("GET", "admin/config/rubric")]
    [InlineData("PUT", "admin/config/rubric")]
    [InlineData("GET", "admin/users")]
    [InlineData("GET", "admin/jobs")]
    [InlineData("GET", "admin/audit")]
    [InlineData("GET", "health/detailed")]
    public async Task EveryCall_WithoutASession_Is401(string method, string path)
    {
        MemoApp app = shared.App;
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using HttpResponseMessage response = await app.Client.SendAsync(request);
        await response.ProblemAsync(401, "ERR_SESSION_REQUIRED");
    }

    [Fact]
    public async Task Login_TheFirstAdmin_GetsACookieThatScriptsCannotRead()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpClient client = app.NewClient();
        using HttpResponseMessage response = await client.PostAsJsonAsync(
            "auth/login", new { username = "ADMIN", password = MemoApp.Password });
        Assert.Equal("""{"isAdmin":true}""", await response.Content.ReadAsStringAsync());
        string cookie = response.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("memo_session=", cookie, StringComparison.Ordinal);
        Assert.Contains("httponly", cookie, StringComparison.Ordinal);
        Assert.Contains("samesite=lax", cookie, StringComparison.Ordinal);
        string token = cookie.Split('=', ';')[1];
        foreach (string file in Directory.GetFiles(_folder.Path, "memo.db*"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            Assert.DoesNotContain(token, await reader.ReadToEndAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Logout_EndsTheSessionOnTheHostToo()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpClient client = app.NewClient();
        using HttpResponseMessage login = await client.PostAsJsonAsync(
            "auth/login", new { username = "admin", password = MemoApp.Password });
        string cookie = login.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        JsonElement session = await client.GetFromJsonAsync<JsonElement>("auth/session");
        client.DefaultRequestHeaders.Add("X-CSRF-Token", session.GetProperty("csrfToken").GetString());
        Assert.Equal(HttpStatusCode.NoContent, (await client.PostAsync("auth/logout", null)).StatusCode);
        using var again = new HttpRequestMessage(HttpMethod.Get, "auth/session");
        again.Headers.Add("Cookie", cookie);
        using HttpResponseMessage response = await app.Client.SendAsync(again);
        await response.ProblemAsync(401, "ERR_SESSION_REQUIRED");
    }

    [Fact]
    public async Task Login_WrongFiveTimes_LocksTheName_KnownOrNot()
    {
        var clock = new VirtualClock(DateTimeOffset.UtcNow);
        Directory.CreateDirectory(_folder.File("config"));
        File.WriteAllText(_folder.File("config/auth.yaml"), "security_settings: {rate_limiting: {logins_per_hour: 100}}");
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path, time: clock);
        int[] statuses = await TryAsync("admin", 6);
        Assert.Equal([401, 401, 401, 401, 401, 429], statuses);
        using HttpResponseMessage right = await LoginAsync(app, "admin", MemoApp.Password);
        JsonElement problem = await right.ProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.InRange(problem.GetProperty("retryAfterSeconds").GetInt32(), 800, 900);
        clock.Advance(TimeSpan.FromMinutes(15.1));
        using HttpResponseMessage after = await LoginAsync(app, "admin", MemoApp.Password);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);

        async Task<int[]> TryAsync(string name, int count)
        {
            var all = new List<int>();
            for (int i = 0; i < count; i++)
            {
                using HttpResponseMessage response = await LoginAsync(app, name, "wrong");
                all.Add((int)response.StatusCode);
            }

            return [.. all];
        }
    }

    [Theory]
    [InlineData("admin")]
    [InlineData("nobody")]
    public async Task Login_WrongMoreThanFiveTimesInAnHour_IsRefusedForAnyName(string name)
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage wrong = await LoginAsync(app, name, "wrong");
            await wrong.ProblemAsync(401, "ERR_CREDENTIALS_INVALID");
        }

        using HttpResponseMessage refused = await LoginAsync(app, name, "wrong");
        await refused.ProblemAsync(429, "ERR_RATE_LIMITED");
    }

    [Fact]
    public async Task Login_ManyWrongTriesAtOnce_AreCountedOneByOne()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        HttpResponseMessage[] all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => LoginAsync(app, "admin", "wrong")));
        Assert.Equal(5, all.Count(each => each.StatusCode == HttpStatusCode.Unauthorized));
        Assert.Equal(15, all.Count(each => each.StatusCode == HttpStatusCode.TooManyRequests));
        Array.ForEach(all, each => each.Dispose());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"username":"admin"}""")]
    [InlineData("""{"username":1,"password":"x"}""")]
    [InlineData("""{"username":"admin","password":["x"]}""")]
    [InlineData("""{"username":"admin","password":null}""")]
    public async Task Login_WrongTypes_Are422(string body)
    {
        MemoApp app = shared.App;
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await app.Client.PostAsync("auth/login", content);
        await response.ProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Theory]
    [InlineData("POST", "evaluations")]
    [InlineData("DELETE", "evaluations/00000000000000000000000000000000")]
    [InlineData("PUT", "admin/config/rubric")]
    [InlineData("POST", "admin/users")]
    [InlineData("POST", "auth/logout")]
    [InlineData("POST", "auth/password")]
    [InlineData("DELETE", "me")]
    public async Task AChange_WithACookieAndWithoutItsToken_Is403(string method, string path)
    {
        MemoApp app = shared.App;
        using HttpClient client = await app.LoginAsync();
        string right = client.DefaultRequestHeaders.GetValues("X-CSRF-Token").Single();
        foreach (string? token in new[] { null, "", "x", right + "x", right.ToUpperInvariant() })
        {
            client.DefaultRequestHeaders.Remove("X-CSRF-Token");
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("X-CSRF-Token", token);
            }

            using HttpResponseMessage response = await client.SendAsync(request);
            await response.ProblemAsync(403, "ERR_CSRF_INVALID");
        }
    }

    [Fact]
    public async Task Token_IsForApiClients_NeedsNoCsrf_AndEndsWithThePassword()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpResponseMessage given = await app.Client.PostAsJsonAsync(
            "auth/token", new { username = "admin", password = MemoApp.Password });
        JsonElement body = await given.Content.ReadFromJsonAsync<JsonElement>();
        string token = body.GetProperty("token").GetString()!;
        using HttpClient api = app.NewClient();
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        Assert.Equal("done", (await api.EvaluateAsync(Texts.Memo)).GetProperty("status").GetString());

        string[] parts = token.Split('.');
        string none = Convert.ToBase64String("""{"alg":"none","typ":"JWT"}"""u8.ToArray()).TrimEnd('=');
        foreach (string forged in new[] { $"{none}.{parts[1]}.", $"{none}.{parts[1]}.{parts[2]}", token + "x", token[1..], "", "a.b.c" })
        {
            api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", forged);
            using HttpResponseMessage refused = await api.GetAsync("auth/session");
            await refused.ProblemAsync(401, "ERR_SESSION_REQUIRED");
        }

        using HttpClient browser = await app.LoginAsync();
        using HttpResponseMessage changed = await browser.PostAsJsonAsync(
            "auth/password", new { current = MemoApp.Password, @new = "another horse battery" });
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage old = await api.GetAsync("auth/session");
        await old.ProblemAsync(401, "ERR_SESSION_REQUIRED");
    }

    [Fact]
    public async Task Token_OfASession_NeedsNoPasswordButTheCsrfToken_AndATokenGivesNone()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpClient person = await app.LoginAsync();
        using HttpResponseMessage given = await person.PostAsync("auth/token", null);
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);
        string token = (await given.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;

        person.DefaultRequestHeaders.Remove("X-CSRF-Token");
        using HttpResponseMessage forged = await person.PostAsync("auth/token", null);
        Assert.Equal(HttpStatusCode.Forbidden, forged.StatusCode);

        app.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("evaluations")).StatusCode);
        using HttpResponseMessage second = await app.Client.PostAsync("auth/token", null);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, second.StatusCode);
    }

    [Fact]
    public async Task ACall_ThatIsRefusedWith401_NamesTheScheme()
    {
        using HttpResponseMessage answer = await shared.App.Client.GetAsync("evaluations");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).ToString());
    }

    [Fact]
    public async Task Token_WhileAKeyIsReplaced_IsTakenWithEitherKey()
    {
        const string first = "the first signing key, long enough";
        const string second = "the second signing key, long enough";
        string token = await TokenAsync(new() { ["JWT_SIGNING_KEY"] = first });
        Assert.Equal(200, await StatusAsync(token, new() { ["JWT_SIGNING_KEY"] = second, ["JWT_SIGNING_KEY_PREVIOUS"] = first }));
        Assert.Equal(401, await StatusAsync(token, new() { ["JWT_SIGNING_KEY"] = second }));

        async Task<string> TokenAsync(Dictionary<string, string?> settings)
        {
            await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path, settings);
            using HttpResponseMessage given = await app.Client.PostAsJsonAsync(
                "auth/token", new { username = "admin", password = MemoApp.Password });
            return (await given.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!;
        }

        async Task<int> StatusAsync(string bearer, Dictionary<string, string?> settings)
        {
            await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path, settings);
            app.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using HttpResponseMessage response = await app.Client.GetAsync("auth/session");
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task AnotherUser_SeesAndChangesNothingOfMine()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpClient admin = await app.LoginAsync();
        using HttpClient anna = await app.LoginAsNewUserAsync(admin, "anna");
        using HttpClient bert = await app.LoginAsNewUserAsync(admin, "bert");
        string id = (await anna.EvaluateAsync(Texts.Memo)).GetProperty("id").GetString()!;
        foreach (HttpClient other in new[] { bert, admin })
        {
            foreach (string path in new[] { "", "/events", "/text" })
            {
                using HttpResponseMessage response = await other.GetAsync($"evaluations/{id}{path}");
                await response.ProblemAsync(404, "ERR_NOT_FOUND");
            }

            using HttpResponseMessage deleted = await other.DeleteAsync($"evaluations/{id}");
            await deleted.ProblemAsync(404, "ERR_NOT_FOUND");
            using HttpResponseMessage before = await other.GetAsync($"evaluations?before={id}");
            await before.ProblemAsync(422, "ERR_REQUEST_INVALID");
            Assert.Empty((await other.GetFromJsonAsync<JsonElement>("evaluations")).GetProperty("evaluations").EnumerateArray());
            Assert.Empty((await other.GetFromJsonAsync<JsonElement>("progress")).GetProperty("points").EnumerateArray());
        }

        Assert.Equal("done", (await anna.GetFromJsonAsync<JsonElement>($"evaluations/{id}")).GetProperty("status").GetString());
        string export = await anna.GetStringAsync("me/export");
        Assert.Contains("second packing line", export, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await anna.DeleteAsync("me")).StatusCode);
        using HttpResponseMessage gone = await anna.GetAsync("auth/session");
        await gone.ProblemAsync(401, "ERR_SESSION_REQUIRED");
    }

    [Theory]
    [InlineData("GET", "admin/config/rubric")]
    [InlineData("PUT", "admin/config/auth")]
    [InlineData("GET", "admin/users")]
    [InlineData("POST", "admin/users")]
    [InlineData("DELETE", "admin/users/admin")]
    [InlineData("GET", "admin/jobs")]
    [InlineData("GET", "admin/debug/x")]
    [InlineData("GET", "admin/audit")]
    [InlineData("GET", "health/detailed")]
    public async Task AdminCalls_ByAUser_Are403(string method, string path)
    {
        HttpClient anna = shared.Anna;
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using HttpResponseMessage response = await anna.SendAsync(request);
        await response.ProblemAsync(403, "ERR_ADMIN_REQUIRED");
    }

    [Fact]
    public async Task Sessions_MoreThanFiveOfAUser_EndTheOldest()
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        var clients = new List<HttpClient>();
        for (int i = 0; i < 6; i++)
        {
            clients.Add(await app.LoginAsync());
        }

        using HttpResponseMessage first = await clients[0].GetAsync("auth/session");
        await first.ProblemAsync(401, "ERR_SESSION_REQUIRED");
        Assert.All(await Task.WhenAll(clients[1..].Select(client => client.GetAsync("auth/session"))),
            response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    [Fact]
    public async Task Session_IdleForAnHour_Ends()
    {
        var clock = new VirtualClock(DateTimeOffset.UtcNow);
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path, time: clock);
        using HttpClient client = await app.LoginAsync();
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("auth/session")).StatusCode);
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("auth/session")).StatusCode);
        clock.Advance(TimeSpan.FromMinutes(61));
        using HttpResponseMessage ended = await client.GetAsync("auth/session");
        await ended.ProblemAsync(401, "ERR_SESSION_REQUIRED");
    }

    [Theory]
    [InlineData("short", 422)]
    [InlineData("exactly12cha", 201)]
    public async Task AddUser_APassword_NeedsTwelveCharacters(string password, int status)
    {
        await using MemoApp app = await MemoApp.StartWithLoginAsync(_folder.Path);
        using HttpClient admin = await app.LoginAsync();
        using HttpResponseMessage response = await admin.PostAsJsonAsync("admin/users", new { username = "anna", password });
        Assert.Equal(status, (int)response.StatusCode);
        using HttpResponseMessage twice = await admin.PostAsJsonAsync(
            "admin/users", new { username = "ADMIN", password = MemoApp.Password });
        await twice.ProblemAsync(409, "ERR_CONFLICT");
        using HttpResponseMessage last = await admin.DeleteAsync("me");
        await last.ProblemAsync(409, "ERR_CONFLICT");
    }

    private static Task<HttpResponseMessage> LoginAsync(MemoApp app, string name, string password) =>
        app.Client.PostAsJsonAsync("auth/login", new { username = name, password });
}
