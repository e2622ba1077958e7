using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.OpenApi;

/// <summary>
/// The document at <c>/openapi/v1.json</c> tells the whole HTTP contract: schemas, statuses and problem codes.
/// </summary>
public sealed class OpenApiDocumentTests : IAsyncLifetime
{
    private const string Problem = "application/problem+json";

    private ChatHost _host = null!;
    private JsonElement _document;

    public async ValueTask InitializeAsync()
    {
        _host = await ChatHost.StartAsync(
            settings => settings["Coach:Knowledge:AllowEditing"] = "true", waitForKnowledge: false);
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.GetAsync("/openapi/v1.json");
        _document = await response.JsonAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    public static TheoryData<string, string, string> Calls() => new()
    {
        { "get", "/api/session", "200 400 401 403 429 500" },
        { "delete", "/api/session", "204 400 401 403 429 500" },
        { "post", "/api/session/keys", "200 400 401 403 409 413 415 422 429 500 503" },
        { "delete", "/api/session/keys/{provider}", "204 400 401 403 429 500" },
        { "post", "/api/chat", "200 400 401 402 403 413 415 422 429 500 502 503 504" },
        { "get", "/api/chat", "200 400 401 403 422 429 500 503" },
        { "delete", "/api/chat", "204 400 401 403 422 429 500 503" },
        { "get", "/api/conversations", "200 400 401 403 429 500 503" },
        { "patch", "/api/conversations/{id}", "200 400 401 403 404 413 415 422 429 500 503" },
        { "delete", "/api/conversations/{id}", "204 400 401 403 404 429 500 503" },
        { "get", "/api/conversations/{id}/export", "200 400 401 403 404 429 500 503" },
        { "get", "/api/caller/export", "200 400 401 403 429 500 503" },
        { "delete", "/api/caller", "200 400 401 403 429 500 503" },
        { "post", "/api/feedback", "204 400 401 403 413 415 422 429 500 503" },
        { "get", "/api/knowledge", "200 400 401 403 404 429 500" },
        { "post", "/api/knowledge", "202 400 401 403 413 415 422 429 500 503" },
        { "get", "/api/knowledge/{id}", "200 400 401 403 404 429 500 503" },
        { "delete", "/api/knowledge/{id}", "204 400 401 403 404 429 500 503" },
        { "post", "/api/retrieve", "200 400 401 403 413 415 422 429 500 503" },
        { "get", "/api/config", "200 400 401 403 429 500" },
        { "post", "/api/payments/links", "200 201 400 401 403 409 413 415 422 429 500 503" },
        { "get", "/api/payments/links", "200 400 401 403 422 429 500 503" },
        { "get", "/api/payments/links/{id}", "200 400 401 403 404 422 429 500 503" },
        { "get", "/api/payments/links/{id}/payments", "200 400 401 403 404 422 429 500 503" },
        { "get", "/api/payments/menu", "200 400 401 403 429 500 503" },
        { "get", "/api/payments/tabs/{id}", "200 400 401 403 404 429 500 503" },
        { "post", "/api/payments/tabs/{id}/lines", "200 400 401 402 403 404 409 413 415 422 429 500 503" },
        { "delete", "/api/payments/tabs/{id}/lines/{line}", "200 400 401 403 404 409 422 429 500 503" },
        { "put", "/api/payments/tabs/{id}/tip", "200 400 401 403 404 409 413 415 422 429 500 503" },
        { "delete", "/api/payments/links/{id}", "200 400 401 403 404 422 429 500 503" },
        { "get", "/api/usage", "200 400 401 403 422 429 500 503" },
        { "get", "/api/usage/export", "200 400 401 403 422 429 500 503" },
        { "post", "/api/payments/webhook", "200 400 413 429 500" },
        { "get", "/metrics", "200 404 406 503" },
        { "get", "/healthz", "200 404 503" },
        { "get", "/livez", "200 404 503" },
        { "get", "/readyz", "200 404 503" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void Call_OfTheContract_HasItsResponses(string method, string path, string statuses)
    {
        JsonElement responses = Operation(method, path).GetProperty("responses");
        Assert.Equal(statuses, string.Join(' ', responses.EnumerateObject().Select(item => item.Name).Order()));
    }

    [Fact]
    public void Calls_OfThisTest_AreAllThatTheHostMaps()
    {
        string[] mapped =
        [
            .. _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
                .Where(
                    endpoint => endpoint.RoutePattern.RawText?.StartsWith("/openapi", StringComparison.Ordinal) == false
                        && endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null) // pages for people
                .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [],
                    (endpoint, method) => $"{method.ToLowerInvariant()} {endpoint.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal)}")
                .Where(call => !call.StartsWith("head ", StringComparison.Ordinal))
                    .Distinct()
                    .Order(StringComparer.Ordinal),
        ];
        Assert.Equal(
            Calls().Select(row => $"{row.Data.Item1} {row.Data.Item2}").Order(StringComparer.Ordinal),
            mapped);
    }

    [Theory]
    [InlineData("post", "/api/session/keys", "409", "ERR_REQUEST_INVALID")]
    [InlineData("post", "/api/session/keys", "401", "ERR_SESSION_REQUIRED")]
    [InlineData("post", "/api/session/keys", "503", "ERR_SESSION_LIMIT")]
    [InlineData("post", "/api/chat", "422", "ERR_REQUEST_INVALID ERR_KEY_MISSING ERR_KEY_INVALID")]
    [InlineData("post", "/api/chat", "429", "ERR_RATE_LIMITED ERR_KEY_RATE_LIMITED")]
    [InlineData("post", "/api/chat", "502", "ERR_PROVIDER_UNREACHABLE ERR_PROVIDER_FAILED")]
    [InlineData("post", "/api/chat", "503", "ERR_KEY_UNAVAILABLE ERR_SESSION_LIMIT ERR_STORE_UNAVAILABLE")]
    [InlineData("delete", "/api/chat", "422", "ERR_REQUEST_INVALID")]
    [InlineData("delete", "/api/chat", "503", "ERR_STORE_UNAVAILABLE")]
    [InlineData("post", "/api/chat", "504", "ERR_PROVIDER_TIMEOUT")]
    [InlineData("post", "/api/payments/links", "409", "ERR_IDEMPOTENCY_CONFLICT ERR_IDEMPOTENCY_IN_PROGRESS")]
    [InlineData("post", "/api/payments/links", "503", "ERR_PAYMENTS_UNAVAILABLE ERR_PAYMENT_UNCERTAIN")]
    [InlineData("post", "/api/payments/links", "422", "ERR_REQUEST_INVALID ERR_PAYMENT_REJECTED")]
    [InlineData("post", "/api/payments/webhook", "400", "ERR_WEBHOOK_INVALID")]
    [InlineData("get", "/api/payments/links/{id}", "404", "ERR_NOT_FOUND")]
    [InlineData("get", "/api/session", "403", "ERR_REQUEST_INVALID")]
    public void Failure_OfACall_NamesItsCodesAndIsAProblem(string method, string path, string status, string codes)
    {
        JsonElement response = Operation(method, path).GetProperty("responses").GetProperty(status);
        string description = response.GetProperty("description").GetString()!;
        Assert.All(codes.Split(' '), code => Assert.Contains(code, description, StringComparison.Ordinal));
        Assert.Equal(
            ["budget", "code", "detail", "field", "requestId", "retryAfterSeconds", "status", "title", "type"],
            Properties(response.GetProperty("content").GetProperty(Problem).GetProperty("schema")));
    }

    [Theory]
    [InlineData("get", "/api/session", "200", "application/json", "keys mode ragReason ragTier sessionId")]
    [InlineData("post", "/api/session/keys", "200", "application/json", "fingerprint isAuthentic limits models provider status")]
    [InlineData("post", "/api/chat", "200", "text/event-stream", "citations delta done error")]
    [InlineData("post", "/api/payments/links", "201", "application/json", "amount currency id isSimulated status url")]
    [InlineData("post", "/api/payments/links", "200", "application/json", "amount currency id isSimulated status url")]
    [InlineData(
        "delete", "/api/payments/links/{id}", "200", "application/json", "amount currency id isSimulated status url")]
    [InlineData("get", "/healthz", "503", "application/json", "ageSeconds checks durationMs status")]
    public void Answer_OfACall_HasItsSchema(string method, string path, string status, string type, string properties)
    {
        JsonElement content = Operation(method, path)
            .GetProperty("responses")
            .GetProperty(status)
            .GetProperty("content");
        Assert.Equal(properties.Split(' '), Properties(content.GetProperty(type).GetProperty("schema")));
    }

    [Theory]
    [InlineData("/api/session/keys", "apiKey provider")]
    [InlineData("/api/chat", "conversation files message model provider replaces")]
    [InlineData("/api/payments/links", "amount currency description tab")]
    public void Body_OfACall_IsRequiredAndHasItsSchema(string path, string properties)
    {
        JsonElement body = Operation("post", path).GetProperty("requestBody");
        Assert.True(body.GetProperty("required").GetBoolean());
        JsonElement schema = body.GetProperty("content").GetProperty("application/json").GetProperty("schema");
        Assert.Equal(properties.Split(' '), Properties(schema));
    }

    [Fact]
    public void Enumerations_OfTheContract_ListTheirWords()
    {
        JsonElement session = Resolve(Operation("get", "/api/session").GetProperty("responses").GetProperty("200")
            .GetProperty("content").GetProperty("application/json").GetProperty("schema"));
        Assert.Equal(["mock", "real"], Words(session, "mode"));
        Assert.Equal(["hybrid", "lexical", "local", "none"], Words(session, "ragTier"));

        // Generators take words without a type for numbers.
        Assert.All(
            _document.GetProperty("components").GetProperty("schemas").EnumerateObject()
                .Where(schema => schema.Value.TryGetProperty("enum", out _)),
            schema => Assert.Equal("string", Text(schema.Value, "type")));
    }

    [Fact]
    public void Numbers_AreNumbers_AndNoTexts()
    {
        JsonElement link = Resolve(Operation("post", "/api/payments/links").GetProperty("requestBody")
            .GetProperty("content").GetProperty("application/json").GetProperty("schema"));
        Assert.Equal("""["null","integer"]""", Type(link.GetProperty("properties").GetProperty("amount")));
        JsonElement tip = Resolve(Operation("put", "/api/payments/tabs/{id}/tip").GetProperty("requestBody")
            .GetProperty("content").GetProperty("application/json").GetProperty("schema"));
        Assert.Equal("""["null","number"]""", Type(tip.GetProperty("properties").GetProperty("percent")));
    }

    [Fact]
    public void Failure_OfAKey_SaysWhatIsKnownAboutIt()
    {
        JsonElement refused = Operation("post", "/api/session/keys").GetProperty("responses").GetProperty("422");
        string description = refused.GetProperty("description").GetString()!;
        Assert.All(
            ["ERR_REQUEST_INVALID", "ERR_KEY_MISSING", "ERR_KEY_INVALID", "ERR_KEY_REVOKED"],
            code => Assert.Contains(code, description, StringComparison.Ordinal));
        string[] properties = Properties(refused.GetProperty("content").GetProperty(Problem).GetProperty("schema"));
        Assert.Equal(["isAuthentic", "keyStatus"], properties.Where(name => name is "isAuthentic" or "keyStatus"));
    }

    [Fact]
    public void Headers_ThatACallReads_AreItsParameters()
    {
        JsonElement forget = Operation("delete", "/api/chat").GetProperty("parameters");
        JsonElement conversation = Assert.Single(forget.EnumerateArray());
        Assert.Equal(("conversation", "query"), (Text(conversation, "name"), Text(conversation, "in")));
        JsonElement usage = Operation("get", "/api/usage/export").GetProperty("parameters");
        Assert.Equal(["from", "to", "format"], usage.EnumerateArray().Select(each => Text(each, "name")));
        JsonElement create = Operation("post", "/api/payments/links").GetProperty("parameters");
        JsonElement header = Assert.Single(create.EnumerateArray());
        Assert.Equal(("Idempotency-Key", "header"), (Text(header, "name"), Text(header, "in")));
        JsonElement remove = Operation("delete", "/api/session/keys/{provider}").GetProperty("parameters");
        JsonElement provider = Assert.Single(remove.EnumerateArray());
        Assert.Equal(("provider", "path"), (Text(provider, "name"), Text(provider, "in")));
    }

    private JsonElement Operation(string method, string path) =>
        _document.GetProperty("paths").GetProperty(path).GetProperty(method);

    private string[] Properties(JsonElement schema) =>
    [
        .. Resolve(schema).GetProperty("properties").EnumerateObject()
            .Select(property => property.Name).Order(StringComparer.Ordinal),
    ];

    private string[] Words(JsonElement schema, string property) =>
    [
        .. Resolve(schema.GetProperty("properties").GetProperty(property)).GetProperty("enum").EnumerateArray()
            .Select(word => word.GetString()!).Order(StringComparer.Ordinal),
    ];

    private JsonElement Resolve(JsonElement schema) => schema.TryGetProperty("$ref", out JsonElement reference)
        ? _document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1])
        : schema;

    private static string Type(JsonElement schema) =>
        schema.GetProperty("type").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal);

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
