using System.Collections;
using System.Globalization;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.OpenApi;

/// <summary>
/// The host's document as a generator reads it: the client compiles, every operation can be called, and what comes back
/// fits the generated types, problems among it.
/// </summary>
public sealed class GeneratedClientTests
{
    [Fact]
    public async Task GeneratedClient_CallsEveryOperation()
    {
        await using ChatHost host = await ChatHost.StartAsync(settings =>
        {
            settings["Coach:Mode"] = "mock";
            settings["Coach:Knowledge:AllowEditing"] = "true";
            settings["Coach:Speech:Enabled"] = "true";
            settings["Coach:Llm:Cartesia:Voice"] = "voice-1";
        });
        using HttpClient http = host.NewVisitor();
        GeneratedClient client = await GeneratedClient.CreateAsync(
            await http.GetStringAsync("/openapi/v1.json"), http);
        var called = new HashSet<string>();
        Task<GeneratedAnswer> Call(string method, params object?[] arguments)
        {
            called.Add(method);
            return client.CallAsync(method, arguments);
        }

        // Session, keys, configuration.
        GeneratedAnswer session = Returned(await Call("SessionGETAsync"));
        Assert.Equal("Mock", $"{session["Mode"]}");
        Refused(await Call("KeysPOSTAsync", Json("""{"provider":"openai","apiKey":"sk-x"}""")), 409, "ERR_REQUEST_INVALID");
        Returned(await Call("KeysDELETEAsync", "openai"));
        Assert.Equal("mock", $"{Returned(await Call("ConfigAsync"))["Mode"]}".ToLowerInvariant());

        // Chat. NSwag reads no event streams: it throws with the stream's text.
        Streamed(await Call("ChatPOSTAsync", Json("""{"message":"How is a key checked?"}""")), 200, "event: done");
        Refused(await Call("ChatPOSTAsync", Json("""{"message":"again","replaces":0}""")), 422, "ERR_REQUEST_INVALID");
        Assert.Equal(2, Count(Returned(await Call("ChatGETAsync", "default"))["Messages"]));
        Assert.Equal(1, Count(Returned(await Call("ConversationsGETAsync"))["Conversations"]));
        Assert.Equal("Keys", Returned(await Call("ConversationsPATCHAsync", "default", Json("""{"title":"Keys"}""")))["Title"]);
        Assert.Equal(2, Count(Returned(await Call("ExportAsync", "default"))["Messages"]));
        Returned(await Call("FeedbackAsync", Json("""{"turn":1,"rating":"up"}""")));
        Refused(await Call("FeedbackAsync", Json("""{"turn":0,"rating":"up"}""")), 422, "ERR_REQUEST_INVALID");
        Returned(await Call("ConversationsDELETEAsync", "default"));
        Refused(await Call("ConversationsDELETEAsync", "default"), 404, "ERR_NOT_FOUND");
        Returned(await Call("ChatDELETEAsync", "default"));
        Refused(await Call("SpeechAsync", Json("""{"text":"hello"}""")), 503, null);

        // Documents.
        Assert.NotEqual(0, Count(Returned(await Call("RetrieveAsync", Json("""{"query":"API key","top":3}""")))["Passages"]));
        Refused(await Call("RetrieveAsync", Json("""{"query":""}""")), 422, "ERR_REQUEST_INVALID");
        Assert.True((int)Returned(await Call("KnowledgeGETAsync"))["Documents"]! > 0);
        // NSwag sends the files of a form as texts, which are no files: refused, so the file goes by hand.
        GeneratedAnswer form = await Call("KnowledgePOSTAsync", [new[] { new byte[] { 65 } }]);
        Assert.InRange(form.Status!.Value, 400, 422);
        string id = await UploadAsync(http);
        Assert.Equal(1, Count(Returned(await Call("KnowledgeGET2Async", id))["Passages"]));
        Returned(await Call("KnowledgeDELETEAsync", id));
        Refused(await Call("KnowledgeDELETEAsync", id), 404, "ERR_NOT_FOUND");

        // Payments.
        JsonElement order = Json("""{"amount":1250,"currency":"usd","description":"Lunch"}""");
        GeneratedAnswer link = Returned(await Call("LinksPOSTAsync", order, "order-1"));
        Assert.Equal((1250L, true), (link["Amount"], link["IsSimulated"]));
        Assert.Equal(link["Id"], Returned(await Call("LinksPOSTAsync", order, "order-1"))["Id"]);
        JsonElement other = Json("""{"amount":1251,"currency":"usd","description":"Lunch"}""");
        Refused(await Call("LinksPOSTAsync", other, "order-1"), 409, "ERR_IDEMPOTENCY_CONFLICT");
        Assert.Equal(1, Count(Returned(await Call("LinksGETAsync"))["Links"]));
        Assert.Equal("Pending", $"{Returned(await Call("LinksGET2Async", link["Id"]))["Status"]}");
        Assert.Equal(false, Returned(await Call("PaymentsAsync", link["Id"]))["IsOverpaid"]);
        Refused(await Call("LinksGET2Async", "sim_nobody"), 404, "ERR_NOT_FOUND");
        Returned(await Call("LinksDELETEAsync", link["Id"]));
        Assert.Equal("usd", Returned(await Call("MenuAsync"))["Currency"]);
        Refused(await Call("TabsAsync", "main"), 404, "ERR_NOT_FOUND");
        GeneratedAnswer tab = Returned(await Call("LinesPOSTAsync", "main", Json("""{"item":"espresso"}"""), "line-1"));
        Assert.Equal(300L, tab["Total"]);
        Returned(await Call("TipAsync", "main", Json("""{"percent":12.5}""")));
        object line = ((IEnumerable)tab["Lines"]!).Cast<object>().Single();
        Returned(await Call("LinesDELETEAsync", "main", line.GetType().GetProperty("Id")!.GetValue(line)));
        Refused(await Call("WebhookAsync", Json("{}"), "t=1,v1=00"), 400, "ERR_WEBHOOK_INVALID");

        // Usage, and all that is kept of the caller.
        Assert.Equal("usd", Returned(await Call("UsageAsync"))["Currency"]);
        Refused(await Call("UsageAsync", "yesterday"), 422, "ERR_REQUEST_INVALID");
        Refused(await Call("Export3Async", null, null, "xml"), 422, "ERR_REQUEST_INVALID");
        Returned(await Call("Export2Async"));
        Returned(await Call("CallerAsync"));

        // Operations.
        foreach (string probe in new[] { "Healthz", "Livez", "Readyz" })
        {
            Assert.NotNull(Returned(await Call($"{probe}GETAsync"))["Status"]);
            await Call($"{probe}HEADAsync"); // a client that expects a body finds none
        }

        string metrics = (string)Returned(await Call("MetricsGETAsync")).Result!;
        Assert.Contains("coach_process_uptime_seconds", metrics, StringComparison.Ordinal);
        await Call("MetricsHEADAsync");
        Returned(await Call("SessionDELETEAsync"));
        Assert.Equal(client.Methods.Order(StringComparer.Ordinal), called.Order(StringComparer.Ordinal));
    }

    private static async Task<string> UploadAsync(HttpClient http)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("# Numbats\n\nThey eat ants."), "files", "numbats.md" },
        };
        using HttpResponseMessage answer = await http.PostAsync("/api/knowledge", form);
        string stream = await answer.Content.ReadAsStringAsync();
        string done = stream[stream.IndexOf("event: done", StringComparison.Ordinal)..];
        string data = done[done.IndexOf('{', StringComparison.Ordinal)..];
        return JsonDocument.Parse(data.Trim()).RootElement.GetProperty("ids")[0].GetString()!;
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static int Count(object? list) => ((IEnumerable)list!).Cast<object>().Count();

    private static GeneratedAnswer Returned(GeneratedAnswer answer)
    {
        Assert.True(answer.Status is null, $"{answer.Status}: {answer.Text}");
        return answer;
    }

    private static void Streamed(GeneratedAnswer answer, int status, string text)
    {
        Assert.Equal(status, answer.Status);
        Assert.Contains(text, answer.Text, StringComparison.Ordinal);
    }

    private static void Refused(GeneratedAnswer answer, int status, string? code)
    {
        Assert.True(answer.Status == status, $"{answer.Status}: {answer.Text}");
        Assert.EndsWith("ProblemResponse", answer.Result!.GetType().Name, StringComparison.Ordinal);
        Assert.Equal(status, System.Convert.ToInt32(answer["Status"], CultureInfo.InvariantCulture));
        Assert.NotEmpty((string)answer["Detail"]!);
        if (code is not null)
        {
            Assert.Equal(code, answer["Code"]);
        }
    }
}
