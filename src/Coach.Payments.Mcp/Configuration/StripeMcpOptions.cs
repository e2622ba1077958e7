namespace Coach.Payments.Mcp;

/// <summary>The Stripe MCP server: the section <c>Coach:Payments:Mcp</c>. The key is the secret <c>STRIPE_API_KEY</c>
/// and comes from elsewhere.</summary>
/// <remarks>With <see cref="Command"/> the server is a child process spoken to over its standard input and output;
/// without it, it is <see cref="Url"/>.</remarks>
public sealed class StripeMcpOptions
{
    /// <summary>The address of a server that speaks streamable HTTP. The key goes with each request, in the
    /// <c>Authorization</c> header.</summary>
    /// <value>An absolute http or https address without query; <c>https://mcp.stripe.com</c> unless set. Not used when
    /// <see cref="Command"/> is set.</value>
    public Uri Url { get; set; } = new("https://mcp.stripe.com");

    /// <summary>The program that is the server, such as <c>npx</c> or <c>node</c>.</summary>
    /// <value>A file name or path; null (the default) to use <see cref="Url"/>.</value>
    public string? Command { get; set; }

    /// <summary>The program's arguments, such as <c>-y @stripe/mcp@0.2.5 --tools=all</c>. Never the key: other users of
    /// the machine can read a command line.</summary>
    /// <value>At most 64; empty unless set.</value>
    public IList<string> Arguments { get; set; } = [];

    /// <summary>The folder the program starts in.</summary>
    /// <value>A path; null (the default) for the host's own.</value>
    public string? WorkingDirectory { get; set; }

    /// <summary>Environment variables of the program, such as <c>HTTPS_PROXY</c>. It inherits nothing else from the
    /// host but <c>PATH</c>, <c>HOME</c> and the like.</summary>
    /// <value>At most 64, without secrets; empty unless set.</value>
    public IDictionary<string, string> EnvironmentVariables { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The environment variable in which the program looks for the key.</summary>
    /// <value>Letters, digits and <c>_</c>; <c>STRIPE_SECRET_KEY</c> (what <c>@stripe/mcp</c> reads) unless
    /// set.</value>
    public string KeyVariable { get; set; } = "STRIPE_SECRET_KEY";

    /// <summary>The account to act for, where the server offers several. It must be among those that the server
    /// lists.</summary>
    /// <value>An id such as <c>acct_…</c>; null (the default) for the only one there is. Servers with named tools take
    /// none: give theirs the argument <c>--stripe-account</c>.</value>
    public string? StripeContext { get; set; }

    /// <summary>Whether the server is asked to act on live data.</summary>
    /// <value>Null (the default) follows the key: a key that begins with <c>sk_test_</c> or <c>rk_test_</c> means
    /// false, any other true. A value that contradicts the key is refused before anything is sent.</value>
    public bool? LiveMode { get; set; }

    /// <summary>The longest that starting the server, the handshake, the list of its tools and of its accounts may take
    /// together.</summary>
    /// <value>100 ms to 5 minutes; 10 seconds unless set. A caller whose own time is up earlier does not stop it: the
    /// next one finds it ready.</value>
    public TimeSpan InitializationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest that one tool call may take; the connection is then given up. The service's
    /// <see cref="CoachPaymentsOptions.AttemptTimeout"/> usually ends an attempt before that.</summary>
    /// <value>100 ms to 5 minutes; 20 seconds unless set.</value>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The shortest time between a connection that could not be made and the next attempt. Calls meanwhile
    /// fail at once.</summary>
    /// <value>Zero to 1 minute; 500 ms unless set.</value>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest result of a tool that is read, in characters; over HTTP also the longest answer, in bytes,
    /// with twice as much and 64 KiB allowed for escapes and framing.</summary>
    /// <value>4,096 to 16,777,216; 1,048,576 unless set. A longer one counts as a bad answer.</value>
    public int MaxResultLength { get; set; } = 1024 * 1024;

    /// <summary>The most pages of 100 that a search through links or a list of payments reads.</summary>
    /// <value>1 to 10,000; 100 unless set. A search that needs more fails rather than miss something.</value>
    public int MaxPages { get; set; } = 100;

    /// <summary>The hosts whose links are handed to payers: a tool could answer with any address. Add a custom domain
    /// of Stripe's here.</summary>
    /// <value>1 to 20 host names; <c>buy.stripe.com</c> unless set. A link elsewhere counts as a bad answer, and its
    /// address is in no message.</value>
    public IList<string> LinkHosts { get; set; } = ["buy.stripe.com"];
}
