namespace Coach.Llm;

/// <summary>
/// The one HTTP client through which all sessions and validators call: connections are shared, keys are set per request.
/// </summary>
internal sealed class LlmHttp(IHttpClientFactory factory)
{
    /// <summary>The name under which the client is registered with <see cref="IHttpClientFactory"/>.</summary>
    public const string ClientName = "Coach.Llm";

    private readonly Lazy<HttpClient> _client = new(() => factory.CreateClient(ClientName));

    /// <summary>Never disposed by those who use it. Has no time limit of its own.</summary>
    public HttpClient Client => _client.Value;
}
