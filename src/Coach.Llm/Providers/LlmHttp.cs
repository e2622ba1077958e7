namespace Coach.Llm.Providers;

/// <summary>
/// The one HTTP client through which all sessions and validators call: connections are shared, keys are set per
/// request.
/// </summary>
internal sealed class LlmHttp(IHttpClientFactory factory)
{
    /// <summary>The name under which the client is registered with <see cref="IHttpClientFactory"/>.</summary>
    public const string ClientName = "Coach.Llm";

    private readonly Lazy<HttpClient> _client = new(() => factory.CreateClient(ClientName));

    /// <summary>Returns once the headers have arrived. Has no time limit of its own.</summary>
    /// <exception cref="ContentCodingException">The body has a coding that cannot be decoded.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await _client.Value
            .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        try
        {
            return ContentCoding.Decode(response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
