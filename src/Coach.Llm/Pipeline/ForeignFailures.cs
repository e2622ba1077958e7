using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Pipeline;

/// <summary>
/// What the exceptions of a client that a host brought mean. What the caller did wrong and what the caller cancelled
/// stay what they are.
/// </summary>
/// <remarks>
/// The client's exception is not kept: its text may repeat what a server echoed, the key among it.
/// </remarks>
internal sealed class ForeignFailures(
    ForeignProvider provider, Func<Exception, ProviderFailure?> read, ProviderConnection connection, ApiKey key)
{
    private const int MaxDepth = 8;
    private const int MaxBody = 64 * 1024;

    /// <summary>Runs a call of the client's.</summary>
    /// <exception cref="LlmException">It failed for a reason that is not the caller's.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (Translate(exception, hasBegun: false, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>What an exception means; null where it is to go on as it is.</summary>
    /// <param name="exception">What the client threw.</param>
    /// <param name="hasBegun">Whether a part of the answer was told.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public LlmException? Translate(Exception exception, bool hasBegun, CancellationToken cancellationToken)
    {
        if (exception is LlmException || cancellationToken.IsCancellationRequested)
        {
            return null;
        }

        Exception[] chain = [.. Chain(exception).Take(MaxDepth)];
        foreach (Exception one in chain)
        {
            if (read(one) is { } failure && Judge(failure) is { } judged)
            {
                return judged;
            }
        }

        foreach (Exception one in chain)
        {
            switch (one)
            {
                case HttpRequestException { StatusCode: { } status }:
                    return Judge(new ProviderFailure((int)status));
                case HttpRequestException or IOException or SocketException:
                    return hasBegun
                        ? LlmException.StreamInterrupted(provider.Name)
                        : LlmException.Unreachable(provider.Name, one);
                case OperationCanceledException or TimeoutException:
                    return LlmException.ClientTimedOut(provider.Name);
                case JsonException or FormatException:
                    return LlmException.InvalidResponse(provider.Name, "an answer that its client cannot read");
            }
        }

        return exception is ArgumentException or InvalidOperationException or NotSupportedException
            or OutOfMemoryException
            ? null
            : LlmException.ClientFailed(provider.Name, exception);
    }

    // A client that tried several times throws all its failures; the last one is the news.
    private static IEnumerable<Exception> Chain(Exception exception)
    {
        Exception? next = exception;
        while (next is not null)
        {
            yield return next;
            next = next is AggregateException { InnerExceptions: [.., var last] } ? last : next.InnerException;
        }
    }

    private LlmException? Judge(ProviderFailure failure)
    {
        if (failure is { Status: null, Body: null })
        {
            return null;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(failure.Body ?? "");
        bool isTruncated = bytes.Length > MaxBody;
        ReadOnlyMemory<byte> whole = bytes.AsMemory(0, Math.Min(bytes.Length, MaxBody));
        var body = ErrorBody.Parse(whole.Span);
        int status = failure.Status ?? 200;
        if (status is >= 200 and < 300 && !body.HasError)
        {
            return LlmException.InvalidResponse(provider.Name, "an answer that its client cannot read");
        }

        using var carrier = new HttpResponseMessage();
        HttpResponseHeaders headers = carrier.Headers;
        foreach ((string name, string value) in failure.Headers)
        {
            headers.TryAddWithoutValidation(name, value);
        }

        return connection.Failure(
            provider, new ProviderAnswer(status, headers, contentType: null, whole, isTruncated), body, key.Secret);
    }
}
