using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Memo.Tests.Support;

namespace Memo.Tests.Http;

public sealed class AdminEndpointsTests(AppFixture shared) : IClassFixture<AppFixture>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rubric")]
    [InlineData("prompt")]
    [InlineData("llm")]
    [InlineData("auth")]
    public async Task Config_AsItIs_CanBePutBack(string name)
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        string yaml = await app.Client.GetStringAsync($"admin/config/{name}");
        Assert.Equal(File.ReadAllText(_folder.File($"config/{name}.yaml")), yaml);
        using HttpResponseMessage response = await PutAsync(app, name, yaml + "\n# a note\n");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Contains("+ # a note", answer.GetProperty("diff").EnumerateArray().Select(line => line.GetString()));
        string backup = _folder.File($"config/backups/{answer.GetProperty("backup").GetString()}");
        Assert.Equal(yaml, File.ReadAllText(backup));
        Assert.Equal(yaml + "\n# a note\n", await app.Client.GetStringAsync($"admin/config/{name}"));
    }

    [Fact]
    public async Task Config_ANewRubric_IsInUseAtOnce()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        const string rubric = """
            rubric:
              name: Two things
              criteria:
                - {name: Tone, weight: 75, scoring_guidance: {1: a, 2: b, 3: c, 4: d, 5: e}}
                - {name: Évidence & Données, id: data, weight: 25, scoring_guidance: {1: a, 2: b, 3: c, 4: d, 5: e}}
            """;
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(app, "rubric", rubric)).StatusCode);
        JsonElement result = (await app.Client.EvaluateAsync(Texts.Memo)).GetProperty("result");
        JsonElement[] criteria = [.. result.GetProperty("criteria").EnumerateArray()];
        Assert.Equal(["tone", "data"], criteria.Select(each => each.GetProperty("id").GetString()));
        double mean = (.75 * criteria[0].GetProperty("score").GetInt32()) + (.25 * criteria[1].GetProperty("score").GetInt32());
        Assert.Equal(mean, result.GetProperty("overall").GetDouble(), 2);
    }

    [Theory]
    [InlineData("rubric", "rubric:\n\tname: x", 2, "a tab indents this line")]
    [InlineData("rubric", "rubric:\n  name: x\n", null, "rubric:criteria must be a list")]
    [InlineData("rubric", "rubric:\n  name: x\n  name: y\n", 3, "the key 'name' stands on line 2 already")]
    [InlineData("rubric", "rubric:\n  name: x\n  color: red\n", 3, "the key 'rubric:color' has no effect here")]
    [InlineData("llm", "provider:\n  name: gemini\n", 2, "provider:name must be one of claude, openai.")]
    [InlineData("llm", "provider:\n  name: ${MEMO_NO_SUCH_VARIABLE}\n", 2, "the variable MEMO_NO_SUCH_VARIABLE is not set")]
    [InlineData("llm", "api_configuration:\n  api_key: x\n", 2, "the key 'api_configuration:api_key' has no effect here. Remove it: set ANTHROPIC_API_KEY")]
    [InlineData("llm", "cost_management:\n  cost_limit_per_day: -1\n", 2, "cost_management:cost_limit_per_day must be a number between")]
    [InlineData("llm", "performance_optimization:\n  request_queue_size: ten\n", 2, "performance_optimization:request_queue_size must be a whole number")]
    [InlineData("auth", "session_management:\n  session_timeout: 59\n", 2, "session_management:session_timeout must be a whole number between 60 and 86400.")]
    [InlineData("auth", "a: 1\n---\nb: 2\n", 2, "a second document begins")]
    [InlineData("auth", "nonsense: 1\n", 1, "the key 'nonsense' means nothing here")]
    [InlineData("prompt", "default_language: en\n", null, "languages:en:context:context_text is missing")]
    [InlineData("prompt", "- a\n", 1, "the file must begin with a mapping")]
    public async Task Config_ThatCannotBeUsed_Is422WithItsLine_AndTheOldOneStays(string name, string yaml, int? line, string reason)
    {
        MemoApp app = shared.App;
        string before = await app.Client.GetStringAsync($"admin/config/{name}");
        using HttpResponseMessage response = await PutAsync(app, name, yaml);
        JsonElement problem = await response.ProblemAsync(422, "ERR_REQUEST_INVALID");
        string detail = problem.GetProperty("detail").GetString()!;
        Assert.StartsWith(line is null ? reason : $"Line {line}: {reason}", detail, StringComparison.Ordinal);
        Assert.Equal(line, problem.TryGetProperty("line", out JsonElement at) ? at.GetInt32() : null);
        Assert.Equal(before, await app.Client.GetStringAsync($"admin/config/{name}"));
        Assert.False(Directory.Exists(Path.Combine(shared.Folder, "config/backups")));
    }

    [Theory]
    [InlineData("security")]
    [InlineData("../auth")]
    [InlineData("..%2Fauth")]
    [InlineData("auth.yaml")]
    [InlineData("AUTH")]
    [InlineData("passwd")]
    public async Task Config_OfAnotherName_Is404(string name)
    {
        MemoApp app = shared.App;
        using HttpResponseMessage read = await app.Client.GetAsync($"admin/config/{name}");
        Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        using HttpResponseMessage written = await PutAsync(app, name, "a: 1");
        Assert.Equal(HttpStatusCode.NotFound, written.StatusCode);
    }

    [Fact]
    public async Task Config_TooLargeOrNotText_IsRefused()
    {
        MemoApp app = shared.App;
        using HttpResponseMessage large = await PutAsync(app, "auth", new string('#', 300_000));
        await large.ProblemAsync(413, "ERR_TOO_LARGE");
        using var bytes = new ByteArrayContent([0x61, 0x3A, 0x20, 0xFF]);
        using HttpResponseMessage broken = await app.Client.PutAsync("admin/config/auth", bytes);
        await broken.ProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Debug_IsOffUntilItIsSwitchedOn()
    {
        MemoApp app = shared.App;
        using HttpResponseMessage off = await app.Client.GetAsync("admin/debug/00000000000000000000000000000000");
        await off.ProblemAsync(409, "ERR_CONFLICT");
    }

    [Fact]
    public async Task Operations_MoreThanAHundredInAnHour_AreRefused()
    {
        Directory.CreateDirectory(_folder.File("config"));
        File.WriteAllText(_folder.File("config/auth.yaml"), "security_settings: {rate_limiting: {requests_per_minute: 1000}}");
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync("admin/jobs")).StatusCode);
        }

        using HttpResponseMessage refused = await app.Client.GetAsync("admin/jobs");
        await refused.ProblemAsync(429, "ERR_RATE_LIMITED");
    }

    private static async Task<HttpResponseMessage> PutAsync(MemoApp app, string name, string yaml)
    {
        using var content = new StringContent(yaml, Encoding.UTF8, "application/yaml");
        return await app.Client.PutAsync($"admin/config/{name}", content);
    }
}
