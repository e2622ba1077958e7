using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Payments.Gateways;

namespace Coach.Payments.Stripe;

/// <summary>One HTTP request to Stripe: headers, bounded answer, and what a failure means (README, "Retry").</summary>
internal sealed class StripeTransport(
    IHttpClientFactory clients, string clientName, ISecretSource secrets, StripeOptions options, TimeProvider time)
{
    public const string ClientName = "Coach.Payments.Stripe";

    /// <summary>The API version every request is pinned to (what Stripe.net 53.1 speaks, 2026-11).</summary>
    public const string ApiVersion = "2026-10-28.endive";

    private const int LongestKey = 500;
    private const int FirstBufferBytes = 8192;

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    private readonly string _root = options.BaseUrl.AbsoluteUri.TrimEnd('/');

    public GatewayMode Mode =>
        secrets.TryGet(options.ApiKeyName, out Secret? key) ? ModeOf(key.Reveal()) : GatewayMode.NotConfigured;

    /// <summary>Sends one request.</summary>
    /// <param name="call">The request.</param>
    /// <param name="read">Reads the JSON of a success.</param>
    /// <param name="cancellationToken">Ends the attempt; what was asked may be done all the same.</param>
    public async Task<GatewayResult<T>> SendAsync<T>(
        StripeCall call, StripeReader<T> read, CancellationToken cancellationToken)
    {
        if (!secrets.TryGet(options.ApiKeyName, out Secret? key))
        {
            string message = $"There is no {options.ApiKeyName}. Set it to take payments.";
            return new GatewayFailure(GatewayFailureKind.NotSupported, message);
        }

        if (!IsHeaderSafe(key.Reveal()))
        {
            return new GatewayFailure(GatewayFailureKind.Unauthorized,
                $"{options.ApiKeyName} holds characters no key has. Copy it again from the Stripe dashboard.");
        }

        using HttpRequestMessage request = ToRequest(call, key);
        try
        {
            HttpClient client = clients.CreateClient(clientName);
            using HttpResponseMessage response = await client.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            (byte[] body, int length) = await ReadBodyAsync(response.Content, cancellationToken).ConfigureAwait(false);
            try
            {
                return Read(response, length < 0 ? null : body.AsMemory(0, length), key, read);
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
            return new GatewayFailure(GatewayFailureKind.TimedOut, "Stripe did not answer in time.")
            { IsRetryable = true };
        }
    }

    // Only a key that says it is a test key is one: anything unclear counts as live.
    private static GatewayMode ModeOf(string key) =>
        key.StartsWith("sk_test_", StringComparison.Ordinal) || key.StartsWith("rk_test_", StringComparison.Ordinal)
            ? GatewayMode.Test
            : GatewayMode.Live;

    private static bool IsHeaderSafe(string key) =>
        key.Length <= LongestKey && !key.AsSpan().ContainsAnyExceptInRange('!', '~');

    private HttpRequestMessage ToRequest(StripeCall call, Secret key)
    {
        var request = new HttpRequestMessage(call.Method, _root + call.Path) { Content = call.Form?.ToContent() };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key.Reveal());
        request.Headers.TryAddWithoutValidation("Stripe-Version", ApiVersion);
        if (call.IdempotencyKey is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", call.IdempotencyKey);
        }

        if (options.Account is not null)
        {
            request.Headers.TryAddWithoutValidation("Stripe-Account", options.Account);
        }

        return request;
    }

    // The body in a rented array, which the caller returns; a length of -1 for one over the limit. After a failure the
    // array is left to the collector: a read that was given up may still write to it.
    private async Task<(byte[] Body, int Length)> ReadBodyAsync(
        HttpContent content, CancellationToken cancellationToken)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
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

    private GatewayResult<T> Read<T>(
        HttpResponseMessage response, ReadOnlyMemory<byte>? body, Secret key, StripeReader<T> read)
    {
        var reply = new StripeReply(
            IsReplay: HeaderEquals(Header(response, "Idempotent-Replayed"), "true"),
            RequestId: GatewayRedaction.Identifier(Header(response, "Request-Id"), key.Reveal()),
            ServerTime: response.Headers.Date ?? time.GetUtcNow());
        if (body is not { } bytes)
        {
            return BadAnswer(reply, "an answer that is too long");
        }

        return response.IsSuccessStatusCode
            ? ReadSuccess(bytes, reply, read)
            : ReadFailure(response, bytes, reply, key);
    }

    private static GatewayResult<T> ReadSuccess<T>(ReadOnlyMemory<byte> body, StripeReply reply, StripeReader<T> read)
    {
        using JsonDocument? document = JsonReading.TryParse(body);
        if (document is null)
        {
            return BadAnswer(reply, "a success that is no complete JSON");
        }

        // A status of 200 does not make an error object a success.
        JsonElement root = document.RootElement;
        bool isSuccess = root.ValueKind == JsonValueKind.Object && root.Object("error") is null;
        return isSuccess && read(root, reply) is { } result
            ? result
            : BadAnswer(reply, "a success without the expected object");
    }

    // An answer that says "done" but shows nothing: Stripe's SDKs do not retry it, and neither is it a success.
    private static GatewayFailure BadAnswer(StripeReply reply, string what) =>
        new(GatewayFailureKind.BadAnswer, $"Stripe sent {what}.") { RequestId = reply.RequestId };

    private GatewayFailure ReadFailure(
        HttpResponseMessage response, ReadOnlyMemory<byte> body, StripeReply reply, Secret key)
    {
        int status = (int)response.StatusCode;
        StripeErrorBody error = StripeErrorBody.Parse(body, key.Reveal());
        TimeSpan? retryAfter = RetryAfter(response.Headers.RetryAfter);
        GatewayFailureKind kind = KindOf(status, error, reply.IsReplay);
        return new GatewayFailure(kind, MessageOf(kind, status, error))
        {
            IsRetryable = IsRetryable(kind, status, retryAfter is not null, Header(response, "Stripe-Should-Retry")),
            RetryAfter = retryAfter,
            RequestId = reply.RequestId,
            Code = error.Code,
            Parameter = error.Parameter,
        };
    }

    // In the order of Stripe's SDKs: its own header first, then 409, 5xx, and 429 where it says how long to wait.
    private static bool IsRetryable(GatewayFailureKind kind, int status, bool hasRetryAfter, string? shouldRetry)
    {
        bool isConcluded = kind
            is GatewayFailureKind.ReplayedError or GatewayFailureKind.AlreadyExists or GatewayFailureKind.KeyConflict;
        if (isConcluded)
        {
            return false;
        }

        if (HeaderEquals(shouldRetry, "true"))
        {
            return true;
        }

        return !HeaderEquals(shouldRetry, "false") && (status is 409 or >= 500 || (status == 429 && hasRetryAfter));
    }

    private static GatewayFailureKind KindOf(int status, StripeErrorBody error, bool isReplay) => status switch
    {
        400 when error.Parameter == "lookup_key" => GatewayFailureKind.AlreadyExists,
        _ when isReplay => GatewayFailureKind.ReplayedError,
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

    private string MessageOf(GatewayFailureKind kind, int status, StripeErrorBody error)
    {
        string code = status.ToString(CultureInfo.InvariantCulture);
        string detail = error.Message is null ? "" : $" Stripe says: {error.Message}";
        return kind switch
        {
            GatewayFailureKind.Unauthorized => $"Stripe refused {options.ApiKeyName} (401). "
                + "Check that it is a current secret or restricted key of the right account.",
            GatewayFailureKind.Forbidden =>
                $"{options.ApiKeyName} may not do this (403). Give the restricted key write access to "
                + "Products, Prices and Payment Links and read access to Checkout Sessions.",
            GatewayFailureKind.RateLimited => "Stripe limits the rate of requests (429). Try again later.",
            GatewayFailureKind.InUse => "Stripe is still working on the same request (409).",
            GatewayFailureKind.ServerError => $"Stripe failed ({code}).",
            GatewayFailureKind.BadAnswer =>
                $"The server sent a redirect ({code}); check Coach:Payments:Stripe:BaseUrl.",
            GatewayFailureKind.ReplayedError => $"Stripe replayed the failure of an earlier attempt ({code}).{detail}",
            GatewayFailureKind.KeyConflict => "Stripe has seen this idempotency key with other parameters (400).",
            _ => $"Stripe refused the request ({code}).{detail}",
        };
    }

    private static GatewayFailure Broken(HttpRequestError error)
    {
        bool wasNotSent = error is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
        return wasNotSent
            ? new GatewayFailure(GatewayFailureKind.Unreachable,
                "Stripe could not be reached. Check the network and Coach:Payments:Stripe:BaseUrl.")
            {
                IsRetryable =
                    true
            }
            : new GatewayFailure(GatewayFailureKind.ConnectionLost,
                "The connection to Stripe broke before the answer was complete.")
            { IsRetryable = true };
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        TimeSpan? wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is { } asked
            ? TimeSpan.FromTicks(Math.Clamp(asked.Ticks, 0, LongestRetryAfter.Ticks))
            : null;
    }

    private static bool HeaderEquals(string? header, string value) =>
        string.Equals(header?.Trim(), value, StringComparison.OrdinalIgnoreCase);

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;
}

/// <summary>Stripe's error object; only <c>type</c> is promised, and a proxy's answer has none of it.</summary>
internal readonly record struct StripeErrorBody(string? Type, string? Code, string? Parameter, string? Message)
{
    public static StripeErrorBody Parse(ReadOnlyMemory<byte> body, string key)
    {
        using JsonDocument? document = JsonReading.TryParse(body);
        return document?.RootElement.Object("error") is not { } error ? default : new StripeErrorBody(
            GatewayRedaction.Identifier(error.Text("type"), key),
            GatewayRedaction.Identifier(error.Text("code"), key),
            GatewayRedaction.Identifier(error.Text("param"), key),
            GatewayRedaction.Sentence(error.Text("message"), key));
    }
}
