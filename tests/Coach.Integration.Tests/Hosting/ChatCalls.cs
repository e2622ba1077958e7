using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Coach.Integration.Tests.Hosting;

/// <summary>The calls of the HTTP contract, as a client would make them.</summary>
internal static class ChatCalls
{
    public static Task<HttpResponseMessage> PostJsonAsync(this HttpClient client, string path, string json) =>
        client.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"));

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync();
        return JsonDocument.Parse(text).RootElement;
    }

    public static async Task<ChatReply> AskAsync(this HttpClient client, string message, string conversation = "default")
    {
        using HttpResponseMessage response = await client.PostAsync(
            "/api/chat", JsonContent.Create(new { message, conversation }));
        return await ChatReply.ReadAsync(response);
    }

    public static async Task AddKeyAsync(this HttpClient client, string provider, string apiKey)
    {
        using HttpResponseMessage response = await client.PostAsync(
            "/api/session/keys", JsonContent.Create(new { provider, apiKey }));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    public static async Task<HttpResponseMessage> CreateLinkAsync(this HttpClient client, string? key, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments/links")
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request);
    }

    public static async Task AssertProblemAsync(this HttpResponseMessage response, int status, string? code)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"expected {status}, got {(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        JsonElement problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(code, problem.TryGetProperty("code", out JsonElement found) ? found.GetString() : null);
        Assert.False(string.IsNullOrWhiteSpace(problem.GetProperty("detail").GetString()));
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
    }
}
