using System.Globalization;
using System.Text;
using Coach.Testing;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>Bodies of the JSON calls: a status of the contract, never 500, and a problem says its code.</summary>
internal sealed class HttpBodyTarget(ProofHost host, int seed) : FuzzTarget
{
    private static readonly string[] Paths = ["/api/chat", "/api/retrieve", "/api/session/keys", "/api/payments/links"];
    private static readonly int[] Statuses = [200, 201, 400, 409, 413, 415, 422, 429];

    private readonly Mutator _mutator = new(
        seed,
        [
            """{"message":"Which soup?","conversation":"a"}"""u8.ToArray(), """{"query":"soup","top":3}"""u8.ToArray(),
            """{"provider":"gemini","apiKey":"proof"}"""u8.ToArray(), """{"amount":1250,"currency":"usd","description":"soup","tab":null}"""u8.ToArray(),
        ],
        ["\\u0000"u8.ToArray(), "\\ud800"u8.ToArray(), "1e999"u8.ToArray(), "null"u8.ToArray(), "[[["u8.ToArray(), "{\"a\":"u8.ToArray(), "-0"u8.ToArray(), "\uFEFF"u8.ToArray()]);

    private int _next;

    public override string Name => "http-body";

    public override byte[] Next() => [(byte)(_next++ % Paths.Length), .. _mutator.Next()];

    public override async Task<bool> ReadsGoodAsync() => (await host.AskAsync(null)).Status == 200;

    public override async Task<string?> TryAsync(byte[] input)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST {Paths[input[0] % Paths.Length]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: f{_next}\r\nContent-Length: {input.Length - 1}\r\nConnection: close\r\n\r\n");
        RawAnswer answer = await RawHttp.SendAsync(host.Port, [.. Encoding.ASCII.GetBytes(head), .. input[1..]]);
        return !Statuses.Contains(answer.Status) ? $"{answer.Status} {answer.Body}"
            : answer.Status >= 400 && answer.Code is null ? $"{answer.Status} without a code"
            : null;
    }
}

/// <summary>Cookies: a changed one names no session that somebody has.</summary>
internal sealed class TicketTarget : FuzzTarget
{
    private readonly ProofHost _host;
    private readonly string _name;
    private readonly string _value;
    private readonly Mutator _mutator;

    private TicketTarget(ProofHost host, string cookie, int seed)
    {
        _host = host;
        (_name, _value) = (cookie.Split('=')[0], cookie.Split('=', 2)[1]);
        _mutator = new Mutator(seed, [Encoding.ASCII.GetBytes(_value)], [], maxBytes: 4096);
    }

    public override string Name => "ticket";

    public static async Task<TicketTarget> CreateAsync(ProofHost host, int seed) => new(host, (await host.EnterAsync(null)).Cookie!, seed);

    public override byte[] Next() => _mutator.Next();

    public override async Task<bool> ReadsGoodAsync() =>
        (await _host.SendAsync("GET", "/api/session", null, $"Cookie: {_name}={_value}")).Body.Contains("fingerprint", StringComparison.Ordinal);

    public override async Task<string?> TryAsync(byte[] input)
    {
        // What a header may hold at all; the rest is refused as HTTP.
        byte[] value = [.. input.Where(b => b is > 32 and < 127 and not (byte)';')];
        string sent = Encoding.ASCII.GetString(value);
        RawAnswer answer = await RawHttp.SendAsync(_host.Port, RawHttp.Request("GET", "/api/session", null, $"Cookie: {_name}={sent}"));
        bool isOwn = answer.Body.Contains("fingerprint", StringComparison.Ordinal);
        return answer.Status != 200 ? $"{answer.Status} {answer.Body}"
            : isOwn && !IsSame(sent) ? "a changed cookie opens the session"
            : null;
    }

    // Base64 has spare bits in its last character, and padding and stray characters that a reader may pass over.
    private bool IsSame(string sent) => Uri.UnescapeDataString(sent).TrimEnd('=') is var plain
        && plain.Length == _value.Length && plain[..^1] == _value[..^1];
}

/// <summary>Webhooks: what is not signed over these very bytes is no event.</summary>
internal sealed class WebhookTarget(ProofHost host, string secret, int seed) : FuzzTarget
{
    private static readonly byte[] Event = """{"id":"evt_1","object":"event","type":"checkout.session.completed","livemode":false,"data":{"object":{"id":"cs_1","object":"checkout.session","payment_link":"plink_1","payment_status":"paid","amount_total":100,"currency":"usd"}}}"""u8.ToArray();

    private readonly Mutator _mutator = new(seed, [Event], ["null"u8.ToArray(), "{}"u8.ToArray(), "\\ud800"u8.ToArray(), "1e999"u8.ToArray(), "[[["u8.ToArray()]);
    private int _next;

    public override string Name => "webhook";

    // Half of them are signed as they are: a provider may say anything, and nothing of it may be a failure of the host.
    public override byte[] Next() => [(byte)(_next++ % 2), .. _mutator.Next()];

    public override async Task<bool> ReadsGoodAsync() => (await SendAsync(Event, Event)).Status == 200 && (await SendAsync(Event, "{}"u8.ToArray())).Status == 400;

    public override async Task<string?> TryAsync(byte[] input)
    {
        byte[] body = input[1..];
        bool isSigned = input[0] == 0;
        RawAnswer answer = await SendAsync(isSigned ? body : Event, body);
        bool isGenuine = isSigned || body.AsSpan().SequenceEqual(Event);
        return answer.Status is not (200 or 400) ? $"{answer.Status} {answer.Body}"
            : answer.Status == 200 && !isGenuine ? "a forged event was taken"
            : null;
    }

    private Task<RawAnswer> SendAsync(byte[] signedBody, byte[] body)
    {
        StripeWebhook signed = StripeWebhook.Sign(signedBody, secret, TimeProvider.System.GetUtcNow());
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /api/payments/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nStripe-Signature: {signed.SignatureHeader}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n");
        return RawHttp.SendAsync(host.Port, [.. Encoding.ASCII.GetBytes(head), .. body]);
    }
}
