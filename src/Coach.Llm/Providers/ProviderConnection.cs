using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using Coach.Llm.Core;
using Coach.Llm.Streaming;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Providers;

/// <summary>
/// What every provider client of a host shares: the HTTP client, the limits and the way failures become
/// <see cref="LlmException"/>s. Holds no key: each request brings its own.
/// </summary>
internal sealed class ProviderConnection(
    LlmHttp http, ProviderCatalog providers, LlmRequestOptions requests, ChatDefaults defaults, TimeProvider time,
    ILoggerFactory? loggers = null)
{
    private const int MaxErrorBody = 64 * 1024;
    private const int MaxLoggedMessage = 500;
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly ILogger _logger = loggers?.CreateLogger("Coach.Llm") ?? NullLogger.Instance;

    public LlmRequestOptions Requests { get; } = requests;

    /// <summary>What requests are sent that set it not themselves; the host's settings may change.</summary>
    public ChatDefaults Defaults { get; set; } = defaults;

    public TimeProvider Time { get; } = time;

    /// <summary>Sends a JSON request and returns once the headers of a success have arrived.</summary>
    /// <exception cref="LlmException">No connection, or the provider answered with a failure.</exception>
    /// <param name="provider">Who is asked.</param>
    /// <param name="address">Where.</param>
    /// <param name="body">The request's JSON.</param>
    /// <param name="sign">Puts the key on the request.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <param name="secret">The key, so that nothing a server echoes is repeated.</param>
    /// <param name="isWhole">Whether the answer comes in one piece: only then is compression asked for, because it
    /// holds back the events of a stream.</param>
    public async Task<HttpResponseMessage> SendAsync(
        string provider, Uri address, ReadOnlyMemory<byte> body, Action<HttpRequestHeaders> sign,
        CancellationToken cancellationToken, Secret? secret = null, bool isWhole = false)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, address)
        { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = Json;
        if (isWhole)
        {
            request.Headers.AcceptEncoding.ParseAdd("gzip, br");
        }

        sign(request.Headers);
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (ContentCodingException exception)
        {
            throw LlmException.InvalidResponse(provider, exception.Message);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw LlmException.Unreachable(provider, exception);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await FailureAsync(provider, response, secret, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads a whole body within the limit.</summary>
    /// <exception cref="LlmException">Too large, or cut off.</exception>
    public async Task<byte[]> ReadBodyAsync(
        string provider, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            ProviderAnswer answer = await ProviderAnswer.ReadAsync(
                response, Requests.MaxResponseBytes, cancellationToken)
                .ConfigureAwait(false);
            if (answer.IsTruncated)
            {
                throw LlmException.ResponseTooLarge(provider, Requests.MaxResponseBytes);
            }

            bool isArray = MemoryMarshal.TryGetArray(answer.Body, out ArraySegment<byte> bytes);
            return isArray && bytes.Array!.Length == bytes.Count ? bytes.Array : answer.Body.ToArray();
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw LlmException.StreamInterrupted(provider);
        }
    }

    /// <summary>Notes what of an answer was not known and passed over.</summary>
    public void Passed(string provider, ProtocolAdditions additions)
    {
        if (additions.Count > 0 && _logger.IsEnabled(LogLevel.Debug))
        {
            _logger.AdditionsPassed(provider, additions.Count, additions.Kinds);
        }
    }

    /// <summary>What a decoder's complaint means to the caller.</summary>
    public LlmException Translate(string provider, ProtocolException exception, Secret? secret = null)
    {
        switch (exception.Fault)
        {
            case ProtocolError.Interrupted:
                return LlmException.StreamInterrupted(provider);
            case ProtocolError.TooLarge:
                return LlmException.ResponseTooLarge(provider, Requests.MaxResponseBytes);
            case ProtocolError.ErrorBody:
                var answer = new ProviderAnswer(200, null, "application/json", exception.Body, isTruncated: false);
                ErrorBody body = ErrorBody.Parse(exception.Body);
                return body.HasError
                    ? Failure(providers[provider], answer, body, secret)
                    : LlmException.InvalidResponse(
                        provider, "a page or an object that is neither an answer nor an error");
            default:
                return LlmException.InvalidResponse(provider, exception.Message);
        }
    }

    private async Task<LlmException> FailureAsync(
        string provider, HttpResponseMessage response, Secret? secret, CancellationToken cancellationToken)
    {
        ProviderAnswer answer;
        try
        {
            answer = await ProviderAnswer.ReadAsync(response, MaxErrorBody, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // The status alone is worth more than "the connection broke while it was explained".
            answer = new ProviderAnswer(
                (int)response.StatusCode, response.Headers, null, ReadOnlyMemory<byte>.Empty, isTruncated: true);
        }

        return Failure(providers[provider], answer, ErrorBody.Parse(answer.Body.Span), secret);
    }

    /// <summary>
    /// What an answer means to the caller. The exception says in Coach's words what to do; what the server said,
    /// without keys, is one line of the log.
    /// </summary>
    public LlmException Failure(Provider provider, ProviderAnswer answer, ErrorBody body, Secret? secret)
    {
        ErrorClassification found = ErrorClassifier.Classify(provider, answer, body, Time.GetUtcNow(), secret);
        if (body.Message.Length > 0 && _logger.IsEnabled(LogLevel.Information))
        {
            string told = KeyRedactor.RedactForeign(body.Message, secret?.Reveal());
            _logger.ProviderRefused(provider.Name, found.HttpStatus, found.Error, OneLine(told));
        }

        return LlmException.FromAnswer(provider.Name, found);
    }

    private static string OneLine(string text)
    {
        string line = new([.. text.Take(MaxLoggedMessage).Select(c => char.IsControl(c) ? ' ' : c)]);
        return text.Length > MaxLoggedMessage ? line + "…" : line;
    }
}
