using System.Text.Json;

namespace Coach.Llm.Tests;

/// <summary>One recorded provider answer.</summary>
internal sealed record ProviderFixture(int Status, string ContentType, IReadOnlyList<(string, string)> Headers, string Body)
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Fixtures", "providers");

    public static ProviderFixture Read(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")));
        JsonElement root = document.RootElement;
        var headers = root.GetProperty("headers").EnumerateObject().Select(header => (header.Name, header.Value.GetString()!)).ToList();
        JsonElement body = root.GetProperty("body");
        return new ProviderFixture(
            root.GetProperty("status").GetInt32(),
            headers.FirstOrDefault(header => header.Name == "content-type").Item2 ?? "application/json",
            headers.Where(header => header.Name != "content-type").Select(header => (header.Name, header.Item2)).ToList(),
            body.ValueKind == JsonValueKind.String ? body.GetString()! : body.GetRawText());
    }

    public HttpResponseMessage ToResponse() => StubHandler.Response(Status, Body, ContentType, Headers);
}
