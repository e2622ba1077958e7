using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.AspNetCore.Chat;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Chat;

/// <summary>Pictures and files that come with a question.</summary>
public sealed class ChatFileTests : IAsyncLifetime
{
    private static readonly byte[] Png = [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 1, 2, 3, 4];
    private static readonly IPAddress One = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Other = IPAddress.Parse("2001:db8::");

    private readonly TempFolder _folder = new();
    private ProviderFake _providers = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _providers = await ProviderFake.StartAsync();
        _providers.SetKey("openai", "test-key-of-openai");
        _providers.AnswerAlways("openai", _ => ScriptedAnswer.Text("A harbour."));
        await System.IO.File.WriteAllTextAsync(
            _folder.File("prices.json"),
            """
            {
              "version": 1, "currency": "usd",
              "prices": [ { "provider": "openai", "model": "gpt-fixture", "input": "0.25", "output": "2" } ]
            }
            """);
        _host = await ChatHost.StartAsync(values =>
        {
            values["Coach:Llm:OpenAI:BaseUrl"] = _providers.BaseUrl("openai").ToString();
            values["Coach:Usage:PriceFile"] = _folder.File("prices.json");
            values["Coach:Chat:MaxFiles"] = "3";
            values["Coach:Chat:MaxFileBytes"] = "1048576";
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _providers.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Picture_AndText_ReachTheModelWithTheQuestion()
    {
        using HttpClient visitor = await NewVisitorAsync();
        using HttpResponseMessage response = await AskAsync(
            visitor, File("pier.png", "image/png", Png), File("notes.md", "text/markdown", "# Tides\n\nHigh at noon."u8));
        await ChatReply.ReadAsync(response);

        string sent = _providers.Requests[^1].Body;
        Assert.Contains("What is in it?", sent, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64," + Convert.ToBase64String(Png), Unescaped(sent), StringComparison.Ordinal);
        Assert.Contains("High at noon.", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Picture_IsKeptByNameAndTheNextQuestionKnowsOfIt()
    {
        using HttpClient visitor = await NewVisitorAsync();
        byte[] large = [.. Png, .. new byte[20_000]];
        await ChatReply.ReadAsync(await AskAsync(visitor, File("pier.png", "image/png", large)));
        await visitor.AskAsync("And behind it?");

        JsonElement[] messages =
            [.. (await (await visitor.GetAsync("/api/chat")).JsonAsync()).GetProperty("messages").EnumerateArray()];
        JsonElement file = Assert.Single(messages[0].GetProperty("files").EnumerateArray());
        Assert.Equal("What is in it?", messages[0].GetProperty("text").GetString());
        Assert.Equal("pier.png", file.GetProperty("name").GetString());
        Assert.Equal("image/png", file.GetProperty("mediaType").GetString());
        Assert.False(messages[2].TryGetProperty("files", out _));
        string sent = _providers.Requests[^1].Body;
        Assert.Contains("pier.png", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("data:image", Unescaped(sent), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_OfAQuestionWithFiles_MayBeLongerThanAnyOther()
    {
        using HttpClient visitor = await NewVisitorAsync();
        byte[] large = [.. Png, .. new byte[300_000]];
        ChatReply reply = await ChatReply.ReadAsync(await AskAsync(visitor, File("pier.png", "image/png", large)));
        Assert.Equal("A harbour.", reply.Text);

        byte[] tooLarge = [.. Png, .. new byte[1024 * 1024]];
        using HttpResponseMessage refused = await AskAsync(visitor, File("pier.png", "image/png", tooLarge));
        await refused.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        byte[] farTooLarge = [.. Png, .. new byte[2 * 1024 * 1024]];
        using HttpResponseMessage unread = await AskAsync(visitor, File("pier.png", "image/png", farTooLarge));
        await unread.AssertProblemAsync(413, "ERR_TOO_LARGE");
    }

    [Theory]
    [InlineData(100, 422, "ERR_REQUEST_INVALID")]
    [InlineData(300_000, 413, "ERR_TOO_LARGE")]
    public async Task Files_WithoutAModel_AreRefusedWithWhatToDo(int bytes, int status, string code)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage refused = await AskAsync(
            visitor, File("pier.png", "image/png", (ReadOnlySpan<byte>)[.. Png, .. new byte[bytes]]));
        await refused.AssertProblemAsync(status, code);
        Assert.Contains("enter a key first", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, byte[]> Wrong => new()
    {
        { "picture.png", "image/png", "<script>alert(1)</script>"u8.ToArray() },
        { "picture.png", "image/jpeg", Png },
        { "vector.svg", "image/svg+xml", "<svg/>"u8.ToArray() },
        { "run.exe", "application/octet-stream", "MZ"u8.ToArray() },
        { "none.png", "", Png },
        { "none.txt", "text/plain", [] },
        { "latin.txt", "text/plain", [(byte)'a', 0xE9, (byte)'b'] },
        { "nul.txt", "text/plain", [(byte)'a', 0, (byte)'b'] },
        { "odd.txt", "text/pl ain", "a"u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task File_ThatIsNotWhatItSays_IsRefusedByField(string name, string mediaType, byte[] data)
    {
        using HttpClient visitor = await NewVisitorAsync();
        int before = _providers.Requests.Count;
        using HttpResponseMessage refused = await AskAsync(visitor, File(name, mediaType, data));
        await refused.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        JsonElement problem = await refused.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("files", problem.GetProperty("field").GetString());
        Assert.Equal(before, _providers.Requests.Count);
    }

    [Theory]
    [InlineData("""{"message":"hi","files":"x"}""")]
    [InlineData("""{"message":"hi","files":[null]}""")]
    [InlineData("""{"message":"hi","files":[{"name":"a","mediaType":"text/plain","data":"not base64!"}]}""")]
    [InlineData("""{"message":"hi","files":[{"name":1}]}""")]
    [InlineData("""{"message":"hi","files":[{},{},{},{}]}""")]
    public async Task Files_OfAnotherShape_AreRefused(string json)
    {
        using HttpClient visitor = await NewVisitorAsync();
        using HttpResponseMessage refused = await visitor.PostJsonAsync("/api/chat", json);
        await refused.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Name_OfAFile_IsOneLineWithoutItsPath()
    {
        using HttpClient visitor = await NewVisitorAsync();
        await ChatReply.ReadAsync(await AskAsync(visitor, File("../../etc/a\r\nb\u001b[31m.txt", "text/plain", "x"u8)));
        JsonElement chat = await (await visitor.GetAsync("/api/chat")).JsonAsync();
        JsonElement file = Assert.Single(chat.GetProperty("messages")[0].GetProperty("files").EnumerateArray());
        Assert.Equal("ab[31m.txt", file.GetProperty("name").GetString());
    }

    [Fact]
    public void Space_ForFiles_IsBoundedForAllAndComesBack()
    {
        var space = new ChatFileSpace();
        IDisposable? first = space.TryTake(One, ChatFileSpace.MaxBytes);
        Assert.NotNull(first);
        Assert.Null(space.TryTake(Other, 1));
        first.Dispose();
        first.Dispose();
        using IDisposable? second = space.TryTake(Other, ChatFileSpace.MaxBytes);
        Assert.NotNull(second);
        Assert.Null(space.TryTake(One, 1));
    }

    [Fact]
    public void Space_ForFiles_OfOneNetworkIsHalf_SoThatOthersFindSome()
    {
        var space = new ChatFileSpace();
        using IDisposable? half = space.TryTake(One, ChatFileSpace.MaxBytes / 2);
        Assert.NotNull(half);
        Assert.Null(space.TryTake(One, 1));
        IDisposable? other = space.TryTake(Other, ChatFileSpace.MaxBytes / 2);
        Assert.NotNull(other);
        half.Dispose();
        Assert.Null(space.TryTake(Other, 1));
        using IDisposable? again = space.TryTake(One, 1);
        Assert.NotNull(again);
        other.Dispose();
    }

    [Fact]
    public async Task Config_TellsHowManyFilesAndBytes()
    {
        using HttpClient visitor = _host.NewVisitor();
        JsonElement limits = (await (await visitor.GetAsync("/api/config")).JsonAsync()).GetProperty("limits");
        Assert.Equal(3, limits.GetProperty("maxFiles").GetInt32());
        Assert.Equal(1024 * 1024, limits.GetProperty("maxFileBytes").GetInt32());
    }

    [Fact]
    public async Task Session_TellsThePriceOfAModelThatHasOne()
    {
        using HttpClient visitor = await NewVisitorAsync();
        JsonElement session = await (await visitor.GetAsync("/api/session")).JsonAsync();
        JsonElement price = session.GetProperty("keys")[0].GetProperty("models")[0].GetProperty("price");
        Assert.Equal("usd", price.GetProperty("currency").GetString());
        Assert.Equal(250_000, price.GetProperty("inputMicro").GetInt64());
        Assert.Equal(2_000_000, price.GetProperty("outputMicro").GetInt64());
    }

    private async Task<HttpClient> NewVisitorAsync()
    {
        HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("openai", "test-key-of-openai");
        return visitor;
    }

    private static object File(string name, string mediaType, ReadOnlySpan<byte> data) =>
        new { name, mediaType, data = Convert.ToBase64String(data) };

    private static async Task<HttpResponseMessage> AskAsync(HttpClient visitor, params object[] files)
    {
        var content = JsonContent.Create(new { message = "What is in it?", files });
        await content.LoadIntoBufferAsync();
        return await visitor.PostAsync("/api/chat", content);
    }

    private static string Unescaped(string json) => new StringBuilder(json).Replace("\\u002B", "+").Replace("\\/", "/").ToString();
}
