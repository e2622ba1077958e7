using ModelContextProtocol.Client;

namespace Coach.Payments.Mcp.Connections;

/// <summary>Makes the transport that the options ask for.</summary>
internal sealed class McpTransports(
    StripeMcpOptions options, IHttpMessageHandlerFactory handlers, string clientName = McpTransports.ClientName)
{
    public const string ClientName = "Coach.Payments.Mcp";

    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

    /// <summary>The name of the HTTP client of payments of that name.</summary>
    public static string ClientOf(string name) => name.Length == 0 ? ClientName : $"{ClientName}:{name}";

    /// <summary>Makes a transport for one connection.</summary>
    /// <param name="key">The key it carries.</param>
    /// <param name="tooLong">Called when an answer is longer than allowed.</param>
    public IClientTransport Create(StripeMcpKey key, Action tooLong) =>
        options.Command is { } command ? Stdio(command, key) : Http(key, tooLong);

    // No logger factory: at its most talkative level the library logs payloads and the child's environment, key
    // included.
    private StdioClientTransport Stdio(string command, StripeMcpKey key)
    {
        Dictionary<string, string?> environment = StdioClientTransportOptions.GetDefaultEnvironmentVariables();
        foreach ((string name, string value) in options.EnvironmentVariables)
        {
            environment[name] = value;
        }

        key.AddTo(environment, options.KeyVariable);
        return new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = "stripe",
            Command = command,
            Arguments = [.. options.Arguments],
            WorkingDirectory = options.WorkingDirectory,
            InheritEnvironmentVariables = false,
            EnvironmentVariables = environment,
            ShutdownTimeout = ShutdownTimeout,
        });
    }

    private HttpClientTransport Http(StripeMcpKey key, Action tooLong)
    {
        var guard = new McpHttpGuard(
            handlers.CreateHandler(clientName), options.Url, key, (2L * options.MaxResultLength) + (64 * 1024),
            tooLong);
        var http = new HttpClient(guard, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        return new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Name = "stripe",
                Endpoint = options.Url,
                TransportMode = HttpTransportMode.StreamableHttp,

                // Nothing unsolicited is of use here, and a broken answer must not be waited for longer than a call may
                // take.
                EnableStandaloneGetStream = false,
                MaxReconnectionAttempts = 1,
            },
            http, loggerFactory: null, ownsHttpClient: true);
    }
}
