using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Abstractions;

namespace Coach.Payments;

/// <summary>One HTTP request to Stripe: headers, bounded answer, and what a failure means (facts and order: see README, "Retry").</summary>
internal sealed class StripeTransport(IHttpClientFactory clients, string clientName, ISecretSource secrets, StripeOptions options, TimeProvider time)
{
    public const string ClientName = "Coach.Payments.Stripe";

    /// <summary>The API version every request is pinned to (stripe/stripe-dotnet ApiVersion.cs, 2026-07).</summary>
    public const string ApiVersion = "2026-07-29.dahlia";

    private const int LongestWaitSeconds = 24 * 3600;

    private readonly string _root = options.BaseUrl.AbsoluteUri.TrimEnd('/');

    public GatewayMode Mode => secrets.TryGet(options.ApiKeyName, out Secret? key) ? ModeOf(key.Reveal()) : GatewayMode.NotConfigured;

    /// <summary>Only a key that says it is a test key is one: anything unclear counts as live.</summary>
    public static GatewayMode ModeOf(string key) =>
        key.StartsWith("sk_test_", StringComparison.Ordinal) || key.StartsWith("rk_test_", StringComparison.Ordinal) ? GatewayMode.Test : GatewayMode.Live;

    /// <summary>Sends one request and hands the JSON of a success to <paramref name="read"/>, which answers null for another shape.</summary>
    public async Task<GatewayResult<T>> SendAsync<T>(
        HttpMethod method, string path, StripeForm? form, string? idempotencyKey, Func<JsonElement, StripeReply, GatewayResult<T>?> read, CancellationToken cancellationToken)
    {
        if (!secrets.TryGet(options.ApiKeyName, out Secret? key))
        {
            return new GatewayFailure(GatewayFailureKind.NotSupported, $"There is no {options.ApiKeyName}. Set it to take payments.");
        }

        if (!IsHeaderSafe(key.Reveal()))
        {
            return new GatewayFailure(GatewayFailureKind.Unauthorized, $"{options.ApiKeyName} holds characters no key has. Copy it again from the Stripe dashboard.");
        }

        using var request = new HttpRequestMessage(method, _root + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key.Reveal());
        request.Headers.TryAddWithoutValidation("Stripe-Version", ApiVersion);
        if (idempotencyKey is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        }

        if (options.Account is not null)
        {
            request.Headers.TryAddWithoutValidation("Stripe-Account", options.Account);
        }

        if (form is not null)
        {
            request.Content = form.ToContent();
        }

        try
        {
            using HttpResponseMessage response =
                await clients.CreateClient(clientName).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            (byte[] body, int length) = await ReadBodyAsync(response.Content, cancellationToken).ConfigureAwait(false);
            try
            {
                return Answer(response, length < 0 ? null : body.AsMemory(0, length), key, read);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(body);
            }
        }
        catch (HttpRequestException exception)
        {
            return Broken(exception.HttpRequestError);
        }
        catch (IOException)
        {
            return Broken(HttpRequestError.ResponseEnded);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The host's own handler or client gave up (HttpClient.Timeout, a resilience handler).
            return new GatewayFailure(GatewayFailureKind.TimedOut, "Stripe did not answer in time.") { IsRetryable = true };
        }
    }

    private GatewayResult<T> Answer<T>(HttpResponseMessage response, ReadOnlyMemory<byte>? body, Secret key, Func<JsonElement, StripeReply, GatewayResult<T>?> read)
    {
        var reply = new StripeReply(
            IsReplay: HeaderEquals(Header(response, "Idempotent-Replayed"), "true"),
            RequestId: StripeRedaction.Id(Header(response, "Request-Id"), key.Reveal()),
            ServerTime: response.Headers.Date ?? time.GetUtcNow());
        return body is not { } bytes ? Bad(reply, "an answer that is too long")
            : response.IsSuccessStatusCode ? Success(bytes, reply, read)
            : Failed(response, bytes, reply, key);
    }

    // The body in a rented array, which the caller returns; a length of -1 for one over the limit. After a failure the array is left to the
    // collector: a read that was given up may still write to it.
    private async Task<(byte[] Body, int Length)> ReadBodyAsync(HttpContent content, CancellationToken cancellationToken)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(8192);
            int length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                int read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return (buffer, length);
                }

                length += read;
                if (length > options.MaxResponseBytes)
                {
                    return (buffer, -1);
                }
            }
        }
    }

    private static GatewayResult<T> Success<T>(ReadOnlyMemory<byte> body, StripeReply reply, Func<JsonElement, StripeReply, GatewayResult<T>?> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && !HasError(document.RootElement) && read(document.RootElement, reply) is { } result
                ? result
                : Bad(reply, "a success without the expected object");
        }
        catch (JsonException)
        {
            return Bad(reply, "a success that is no complete JSON");
        }
    }

    // A status of 200 does not make an error object a success.
    private static bool HasError(JsonElement root) => root.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.Object;

    // An answer that says "done" but shows nothing: the SDKs do not retry it (facts §4, last row), and neither is it a success.
    private static GatewayFailure Bad(StripeReply reply, string what) =>
        new(GatewayFailureKind.BadAnswer, $"Stripe sent {what}.") { RequestId = reply.RequestId };

    private GatewayFailure Failed(HttpResponseMessage response, ReadOnlyMemory<byte> body, StripeReply reply, Secret key)
    {
        int status = (int)response.StatusCode;
        StripeErrorBody error = StripeErrorBody.Parse(body, key.Reveal());
        TimeSpan? retryAfter = RetryAfter(response.Headers.RetryAfter);
        string? shouldRetry = Header(response, "Stripe-Should-Retry");
        bool isRetryable = HeaderEquals(shouldRetry, "true")
            || (!HeaderEquals(shouldRetry, "false") && (status == 409 || status >= 500 || (status == 429 && retryAfter is not null)));
        GatewayFailureKind kind = Kind(status, error, reply.IsReplay);
        return new GatewayFailure(kind, Message(kind, status, error))
        {
            IsRetryable = isRetryable && kind is not (GatewayFailureKind.ReplayedError or GatewayFailureKind.AlreadyExists or GatewayFailureKind.KeyConflict),
            RetryAfter = retryAfter,
            RequestId = reply.RequestId,
            Code = error.Code,
            Parameter = error.Parameter,
        };
    }

    private static GatewayFailureKind Kind(int status, StripeErrorBody error, bool isReplay)
    {
        if (status == 400 && error.Parameter == "lookup_key")
        {
            return GatewayFailureKind.AlreadyExists;
        }

        if (isReplay)
        {
            return GatewayFailureKind.ReplayedError;
        }

        return status switch
        {
            400 when error.Type == "idempotency_error" => GatewayFailureKind.KeyConflict,
            401 => GatewayFailureKind.Unauthorized,
            403 => GatewayFailureKind.Forbidden,
            404 => GatewayFailureKind.NotFound,
            409 => GatewayFailureKind.InUse,
            429 => GatewayFailureKind.RateLimited,
            >= 500 => GatewayFailureKind.ServerError,
            >= 300 and < 400 => GatewayFailureKind.BadAnswer,
            _ => GatewayFailureKind.Rejected,
        };
    }

    private string Message(GatewayFailureKind kind, int status, StripeErrorBody error)
    {
        string detail = error.Message is null ? "" : $" Stripe says: {error.Message}";
        return kind switch
        {
            GatewayFailureKind.Unauthorized => $"Stripe refused {options.ApiKeyName} (401). Check that it is a current secret or restricted key of the right account.",
            GatewayFailureKind.Forbidden => $"{options.ApiKeyName} may not do this (403). Give the restricted key write access to Products, Prices and Payment Links and read access to Checkout Sessions.",
            GatewayFailureKind.RateLimited => "Stripe limits the rate of requests (429). Try again later.",
            GatewayFailureKind.InUse => "Stripe is still working on the same request (409).",
            GatewayFailureKind.ServerError => string.Create(CultureInfo.InvariantCulture, $"Stripe failed ({status})."),
            GatewayFailureKind.BadAnswer => string.Create(CultureInfo.InvariantCulture, $"The server sent a redirect ({status}); check Coach:Payments:Stripe:BaseUrl."),
            GatewayFailureKind.ReplayedError => string.Create(CultureInfo.InvariantCulture, $"Stripe replayed the failure of an earlier attempt ({status}).{detail}"),
            GatewayFailureKind.KeyConflict => "Stripe has seen this idempotency key with other parameters (400).",
            _ => string.Create(CultureInfo.InvariantCulture, $"Stripe refused the request ({status}).{detail}"),
        };
    }

    private static GatewayFailure Broken(HttpRequestError error) => error is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
        or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
        ? new GatewayFailure(GatewayFailureKind.Unreachable, "Stripe could not be reached. Check the network and Coach:Payments:Stripe:BaseUrl.") { IsRetryable = true }
        : new GatewayFailure(GatewayFailureKind.ConnectionLost, "The connection to Stripe broke before the answer was complete.") { IsRetryable = true };

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        TimeSpan? wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is null ? null : TimeSpan.FromSeconds(Math.Clamp(wait.Value.TotalSeconds, 0, LongestWaitSeconds));
    }

    private static bool HeaderEquals(string? header, string value) => string.Equals(header?.Trim(), value, StringComparison.OrdinalIgnoreCase);

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static bool IsHeaderSafe(string key) => key.Length <= 500 && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
}

/// <summary>Stripe's error object; only <c>type</c> is promised, and a proxy's answer has none of it.</summary>
internal readonly record struct StripeErrorBody(string? Type, string? Code, string? Parameter, string? Message)
{
    public static StripeErrorBody Parse(ReadOnlyMemory<byte> body, string key)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out JsonElement error) && error.ValueKind == JsonValueKind.Object
                ? new StripeErrorBody(
                    StripeRedaction.Id(error.Text("type"), key),
                    StripeRedaction.Id(error.Text("code"), key),
                    StripeRedaction.Id(error.Text("param"), key),
                    StripeRedaction.Sentence(error.Text("message"), key))
                : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
