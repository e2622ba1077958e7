using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Memo.Tests.Support;

namespace Memo.Tests.Http;

public sealed class EvaluationEndpointsTests(AppFixture shared) : IClassFixture<AppFixture>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Submit_AText_IsAcceptedJudgedAndAnswered()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        using HttpResponseMessage response = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        JsonElement accepted = await response.Content.ReadFromJsonAsync<JsonElement>();
        string id = accepted.GetProperty("id").GetString()!;
        Assert.Equal(["id", "status"], accepted.EnumerateObject().Select(each => each.Name));
        Assert.Equal("queued", accepted.GetProperty("status").GetString());
        Assert.Equal($"/api/v1/evaluations/{id}", response.Headers.Location!.OriginalString);
        Assert.Equal("done", (await app.Client.EventsAsync(id))[^1]);

        JsonElement evaluation = await app.Client.GetFromJsonAsync<JsonElement>($"evaluations/{id}");
        Assert.Equal(
            ["id", "status", "isMock", "createdAt", "seconds", "costMicro", "currency", "result"],
            evaluation.EnumerateObject().Select(each => each.Name));
        Assert.True(evaluation.GetProperty("isMock").GetBoolean());
        Assert.Equal((0, "usd"), (evaluation.GetProperty("costMicro").GetInt64(), evaluation.GetProperty("currency").GetString()));
        JsonElement result = evaluation.GetProperty("result");
        JsonElement[] criteria = [.. result.GetProperty("criteria").EnumerateArray()];
        Assert.Equal(7, criteria.Length);
        Assert.All(criteria, each =>
        {
            Assert.Equal(
                ["id", "name", "weight", "score", "justification"], each.EnumerateObject().Select(member => member.Name));
            Assert.InRange(each.GetProperty("score").GetInt32(), 1, 5);
            Assert.Contains('“', each.GetProperty("justification").GetString()!);
        });
        double mean = criteria.Sum(each => each.GetProperty("weight").GetDouble() * each.GetProperty("score").GetInt32()) / 100;
        Assert.Equal(mean, result.GetProperty("overall").GetDouble(), 2);
        string text = await app.Client.GetStringAsync($"evaluations/{id}/text");
        Assert.Equal(Texts.Memo, text);
        JsonElement[] segments = [.. result.GetProperty("segments").EnumerateArray()];
        Assert.NotEmpty(segments);
        Assert.All(segments, each => Assert.InRange(
            each.GetProperty("start").GetInt32() + each.GetProperty("length").GetInt32(), 1, text.Length));
    }

    // Many clients escape what is not ASCII: twelve bytes for a character of two halves.
    [Fact]
    public async Task Submit_TheLongestTextInEscapes_IsAccepted()
    {
        string escaped = string.Concat(Enumerable.Repeat(@"\ud83d\ude00", 10_000));
        using var body = new StringContent($$"""{"text":"{{escaped}}"}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await shared.App.Client.PostAsync("evaluations", body);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    [Theory]
    [InlineData("123456789", 422, "ERR_REQUEST_INVALID")]
    [InlineData("          \n\t          ", 422, "ERR_REQUEST_INVALID")]
    [InlineData("", 422, "ERR_REQUEST_INVALID")]
    [InlineData("with a \0 in its middle", 422, "ERR_REQUEST_INVALID")]
    [InlineData("1234567890", 202, "")]
    [InlineData("😀😀😀😀😀😀😀😀😀", 422, "ERR_REQUEST_INVALID")]
    [InlineData("😀😀😀😀😀😀😀😀😀😀", 202, "")]
    public async Task Submit_ATextOfSomeLength_IsCountedInCharacters(string text, int status, string code)
    {
        MemoApp app = shared.App;
        await ExpectAsync(app, text, status, code);
    }

    [Fact]
    public async Task Submit_AtTheUpperLimit_IsTakenAndOneMoreIsNot()
    {
        MemoApp app = shared.App;
        await ExpectAsync(app, new string('a', 10_000), 202, "");
        await ExpectAsync(app, string.Concat(Enumerable.Repeat("😀", 5_001)), 202, "");
        await ExpectAsync(app, new string('a', 10_001), 422, "ERR_REQUEST_INVALID");
        await ExpectAsync(app, new string('a', 70_000), 413, "ERR_TOO_LARGE");
    }

    [Theory]
    [InlineData("", "application/json", 400)]
    [InlineData("{", "application/json", 400)]
    [InlineData("{\"text\":\"long enough\",\"text\":\"twice is too often\"}", "application/json", 400)]
    [InlineData("[]", "application/json", 422)]
    [InlineData("null", "application/json", 422)]
    [InlineData("{}", "application/json", 422)]
    [InlineData("{\"text\":null}", "application/json", 422)]
    [InlineData("{\"text\":12345678901}", "application/json", 422)]
    [InlineData("{\"text\":[\"a long enough text\"]}", "application/json", 422)]
    [InlineData("{\"text\":{\"a\":\"a long enough text\"}}", "application/json", 422)]
    [InlineData("{\"text\":\"half of a pair \\ud800 here\"}", "application/json", 422)]
    [InlineData("{\"Text\":\"names have a case\"}", "application/json", 422)]
    [InlineData("{\"text\":\"a long enough text\"}", "text/plain", 415)]
    [InlineData("{\"text\":\"a long enough text\"}", "application/xml", 415)]
    [InlineData("a long enough text", "multipart/form-data", 415)]
    [InlineData("a long enough text", "multipart/form-data; boundary=x", 400)]
    [InlineData("--x--\r\n", "multipart/form-data; boundary=x", 422)]
    public async Task Submit_ABodyThatIsWrong_IsAProblemAndNoJob(string body, string type, int status)
    {
        MemoApp app = shared.App;
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using HttpResponseMessage response = await app.Client.PostAsync("evaluations", content);
        await response.ProblemAsync(status, status == 415 ? "ERR_MEDIA_TYPE" : "ERR_REQUEST_INVALID");
        Assert.Null(response.Headers.Location);
    }

    [Fact]
    public async Task Submit_AFile_IsReadKeptAndErasedWithItsEvaluation()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        using HttpResponseMessage response = await UploadAsync(app, "memo.docx", Docx("We ask for a decision on the second line."));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        string id = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
        Assert.Equal("We ask for a decision on the second line.", await app.Client.GetStringAsync($"evaluations/{id}/text"));
        Assert.Single(Directory.GetFiles(_folder.File("uploads")));
        await app.Client.EventsAsync(id);
        using HttpResponseMessage deleted = await app.Client.DeleteAsync($"evaluations/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty(Directory.GetFiles(_folder.File("uploads")));
    }

    [Theory]
    [InlineData("virus.exe", "MZ and more than ten characters", 415, "ERR_MEDIA_TYPE")]
    [InlineData("noname", "a text without an extension", 415, "ERR_MEDIA_TYPE")]
    [InlineData("broken.pdf", "%PDF-1.7 and nothing else that is one", 422, "ERR_DOCUMENT_REFUSED")]
    [InlineData("broken.docx", "PK but not an archive, only its name", 422, "ERR_DOCUMENT_REFUSED")]
    [InlineData("short.txt", "short", 422, "ERR_REQUEST_INVALID")]
    [InlineData("../../etc/passwd.txt", "a name that climbs out of its folder", 202, "")]
    [InlineData("memo.txt", "A text in a file that is long enough.", 202, "")]
    public async Task Submit_FilesOfManyKinds_AreTakenOrRefused(string name, string content, int status, string code)
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        using HttpResponseMessage response = await UploadAsync(app, name, Encoding.UTF8.GetBytes(content));
        if (status == 202)
        {
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            return;
        }

        await response.ProblemAsync(status, code);
        Assert.Empty(Directory.Exists(_folder.File("uploads")) ? Directory.GetFiles(_folder.File("uploads")) : []);
    }

    [Fact]
    public async Task Queue_FiveRunAndTenWait_TheSixteenthIsRefused()
    {
        var model = new GatedModel(_ => GatedModel.Fitting("We ask"));
        await using MemoApp app = await StartRealAsync(model);
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 15).Select(_ => app.Client.SubmitAsync(Texts.Memo)));
        await model.EnteredAsync(5);
        using HttpResponseMessage refused = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
        await refused.ProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.Equal(5, model.Calls);
        model.Open();
        foreach (string id in ids)
        {
            Assert.Equal("done", (await app.Client.EventsAsync(id))[^1]);
        }
    }

    [Fact]
    public async Task Delete_WhatRunsOrWaits_CancelsIt_AndOnceMoreRemovesIt()
    {
        var model = new GatedModel(_ => GatedModel.Fitting("We ask"));
        await using MemoApp app = await StartRealAsync(model);
        string id = await app.Client.SubmitAsync(Texts.Memo);
        await model.EnteredAsync(1);
        Assert.Equal(HttpStatusCode.NoContent, (await app.Client.DeleteAsync($"evaluations/{id}")).StatusCode);
        Assert.Equal(["cancelled"], await app.Client.EventsAsync(id));
        JsonElement evaluation = await app.Client.GetFromJsonAsync<JsonElement>($"evaluations/{id}");
        Assert.Equal("cancelled", evaluation.GetProperty("status").GetString());
        Assert.False(evaluation.TryGetProperty("result", out _));
        model.Open();
        Assert.Equal(HttpStatusCode.NoContent, (await app.Client.DeleteAsync($"evaluations/{id}")).StatusCode);
        using HttpResponseMessage gone = await app.Client.GetAsync($"evaluations/{id}");
        await gone.ProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Fact]
    public async Task List_PageByPage_IsNewestFirstAndComplete()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        var ids = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            ids.Insert(0, await app.Client.SubmitAsync($"Text number {i}, long enough to be judged."));
        }

        var listed = new List<string>();
        string? next = "";
        while (next is not null)
        {
            JsonElement page = await app.Client.GetFromJsonAsync<JsonElement>($"evaluations?limit=2&before={next}");
            listed.AddRange(page.GetProperty("evaluations").EnumerateArray().Select(each => each.GetProperty("id").GetString()!));
            next = page.TryGetProperty("next", out JsonElement id) ? id.GetString() : null;
        }

        Assert.Equal(ids, listed);
        foreach (string wrong in new[] { "limit=0", "limit=101", "limit=-1", "limit=x", "before=yesterday", "limit=1e1" })
        {
            using HttpResponseMessage response = await app.Client.GetAsync($"evaluations?{wrong}");
            await response.ProblemAsync(422, "ERR_REQUEST_INVALID");
        }
    }

    [Fact]
    public async Task Progress_AfterTwoTexts_HasBothInTheirOrder()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        JsonElement first = await app.Client.EvaluateAsync("A short text without much in it.");
        JsonElement second = await app.Client.EvaluateAsync(Texts.Memo);
        JsonElement progress = await app.Client.GetFromJsonAsync<JsonElement>("progress");
        JsonElement[] points = [.. progress.GetProperty("points").EnumerateArray()];
        Assert.Equal(
            [first.GetProperty("id").GetString(), second.GetProperty("id").GetString()],
            points.Select(point => point.GetProperty("id").GetString()));
        Assert.Equal(7, points[1].GetProperty("criteria").GetArrayLength());
        Assert.True(points[1].GetProperty("overall").GetDouble() > points[0].GetProperty("overall").GetDouble());
    }

    [Theory]
    [InlineData("evaluations/nothing")]
    [InlineData("evaluations/00000000000000000000000000000000")]
    [InlineData("evaluations/00000000000000000000000000000000/events")]
    [InlineData("evaluations/00000000000000000000000000000000/text")]
    [InlineData("evaluations/%27%20OR%201%3D1%20--")]
    [InlineData("nothing/here")]
    public async Task Get_WhatIsNotThere_Is404(string path)
    {
        MemoApp app = shared.App;
        using HttpResponseMessage response = await app.Client.GetAsync(path);
        await response.ProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Fact]
    public async Task Submit_MoreThanTenInAnHour_IsRefusedWithHeaders()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        for (int i = 0; i < 10; i++)
        {
            using HttpResponseMessage taken = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
            Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
            Assert.Equal(
                ("10", $"{9 - i}"),
                (taken.Headers.GetValues("X-RateLimit-Limit").Single(), taken.Headers.GetValues("X-RateLimit-Remaining").Single()));
            await app.Client.EventsAsync((await taken.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!);
        }

        using HttpResponseMessage refused = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
        await refused.ProblemAsync(429, "ERR_RATE_LIMITED");
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 3_500, 3_600);
    }

    private static async Task ExpectAsync(MemoApp app, string text, int status, string code)
    {
        using HttpResponseMessage response = await app.Client.PostAsJsonAsync("evaluations", new { text });
        if (status == 202)
        {
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        }
        else
        {
            await response.ProblemAsync(status, code);
        }
    }

    private static async Task<HttpResponseMessage> UploadAsync(MemoApp app, string name, byte[] bytes)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(bytes), "file", name } };
        return await app.Client.PostAsync("evaluations", form);
    }

    private static byte[] Docx(string text)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "[Content_Types].xml", """
                <Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>
                """);
            Add(archive, "_rels/.rels", """
                <Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>
                """);
            Add(archive, "word/document.xml", $"""
                <w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>
                """);
        }

        return stream.ToArray();
    }

    private static void Add(ZipArchive archive, string name, string content)
    {
        using Stream entry = archive.CreateEntry(name).Open();
        entry.Write(Encoding.UTF8.GetBytes(content));
    }

    private Task<MemoApp> StartRealAsync(GatedModel model)
    {
        Directory.CreateDirectory(_folder.File("config"));
        File.WriteAllText(_folder.File("config/auth.yaml"), """
            security_settings:
              rate_limiting: {requests_per_session_per_hour: 1000, requests_per_minute: 10000}
            """);
        return MemoApp.StartAsync(_folder.Path, new() { ["COACH_MODE"] = "real" }, model);
    }
}
