using System.Net;
using System.Net.Http.Headers;

namespace Coach.Testing.Stripe;

/// <summary>The fake without a socket: an <see cref="HttpClient"/>'s innermost handler.</summary>
internal sealed class FakeStripeHandler(FakeStripeServer core, TimeProvider time) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string body = request.Content is null
            ? ""
            : await request.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        IEnumerable<KeyValuePair<string, IEnumerable<string>>> ofContent = request.Content?.Headers.AsEnumerable()
            ?? [];
        foreach ((string name, IEnumerable<string> values) in request.Headers.Concat(ofContent))
        {
            headers[name] = string.Join(", ", values);
        }

        FakeStripeReply reply = await core.HandleAsync(new StripeRequest
        {
            Method = request.Method.Method,
            Path = request.RequestUri!.AbsolutePath,
            Query = request.RequestUri.Query.TrimStart('?'),
            Body = body,
            Headers = headers,
        }).WaitAsync(cancellationToken).ConfigureAwait(false);
        switch (reply.Delivery)
        {
            case StripeFaultKind.Refuse:
                throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused.");
            case StripeFaultKind.Reset:
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "The response ended prematurely.");
            case StripeFaultKind.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
                break;
        }

        bool isCut = reply.Delivery == StripeFaultKind.Truncate;
        var response = new HttpResponseMessage((HttpStatusCode)reply.Status)
        {
            RequestMessage = request,
            Content = new ByteArrayContent(reply.Body, 0, isCut ? reply.Body.Length / 2 : reply.Body.Length),
        };
        response.Content.Headers.ContentType = new MediaTypeHeaderValue(reply.ContentType);
        foreach ((string name, string value) in reply.Headers)
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }
}
