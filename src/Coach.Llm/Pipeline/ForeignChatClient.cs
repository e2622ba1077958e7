using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Providers;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// A client that the host brought, whose failures become <see cref="LlmException"/>s. What the caller did wrong and
/// what the caller cancelled stay what they are.
/// </summary>
/// <remarks>
/// The client's exception is not kept: its text may repeat what a server echoed, the key among it.
/// </remarks>
internal sealed class ForeignChatClient(
    IChatClient inner, ForeignProvider provider, Func<Exception, ProviderFailure?> read, ProviderConnection connection,
    ApiKey key)
    : DelegatingChatClient(inner)
{
    private const int MaxDepth = 8;
    private const int MaxBody = 64 * 1024;

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await InnerClient.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (Translate(exception, hasBegun: false, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerator<ChatResponseUpdate> updates = InnerClient
            .GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            bool hasBegun = false;
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false))
                    {
                        break;
                    }
                }
                catch (Exception exception) when (Translate(exception, hasBegun, cancellationToken) is { } failure)
                {
                    throw failure;
                }

                hasBegun = true;
                yield return updates.Current;
            }
        }
    }

    // Null where the exception is to go on as it is.
    private LlmException? Translate(Exception exception, bool hasBegun, CancellationToken cancellationToken)
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
