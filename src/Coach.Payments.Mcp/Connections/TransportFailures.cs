using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Coach.Payments.Gateways;
using ModelContextProtocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>What the MCP client's exceptions mean. Their messages repeat what a server sent, so they are not
/// used.</summary>
internal static class TransportFailures
{
    private const string Server = "The Stripe MCP server";

    /// <summary>A connection that could not be made: nothing was done.</summary>
    public static GatewayFailure OfConnecting(
        Exception exception, bool isProcess, TimeSpan limit) => exception switch
        {
            HttpRequestException { StatusCode: { } status } =>
                OfStatus(status) is { IsOutcomeUnknown: false } refused
                ? refused
                : Unreachable(string.Create(CultureInfo.InvariantCulture, $"{Server} failed ({(int)status}).")),
            TimeoutException or OperationCanceledException => Unreachable(
                $"{Server} was not ready within {limit.TotalSeconds:0.###} s. Check that it is a Stripe MCP server, "
                + "or raise InitializationTimeout."),
            IOException when isProcess
                && CouldNotStart(exception) => new GatewayFailure(GatewayFailureKind.NotSupported,
                $"{Server} could not be started. Check Coach:Payments:Mcp:Command: the program must be installed "
                + "and on the PATH."),
            IOException => Unreachable(isProcess
                ? $"{Server} ended while it started. Run Coach:Payments:Mcp:Command by hand with its arguments to see why."
                : $"{Server} closed the connection while it was made."),
            McpProtocolException { ErrorCode: McpErrorCode.MethodNotFound } => Unsupported("it offers no tools"),
            McpException => Unsupported("it does not speak a protocol version that is known here"),
            _ => Unreachable($"{Server} could not be reached. Check the network and Coach:Payments:Mcp:Url."),
        };

    /// <summary>A call that ended in an exception: the request may have been carried out unless the server refused it
    /// as such.</summary>
    public static GatewayFailure OfCall(Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: { } status } => OfStatus(status),
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
        } => Unreachable($"{Server} could not be reached."),
        TimeoutException =>
            new GatewayFailure(GatewayFailureKind.TimedOut, $"{Server} did not answer in time.") { IsRetryable = true },
        McpProtocolException protocol => OfProtocol(protocol),
        McpException =>
            new GatewayFailure(GatewayFailureKind.Unknown, $"{Server} answered in a way that the protocol does "
                + "not allow here."),

        // ClientTransportClosedException, IOException, ObjectDisposedException, and TaskCanceledException though nobody
        // cancelled.
        _ => new GatewayFailure(GatewayFailureKind.ConnectionLost, "The connection to the Stripe MCP server "
            + "broke before the answer came.")
        { IsRetryable = true },
    };

    /// <summary>Whether the connection can go on after this exception.</summary>
    public static bool IsConnectionIntact(Exception exception) => exception switch
    {
        McpException => true,
        HttpRequestException { StatusCode: { } status } =>
            status is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden
            or HttpStatusCode.TooManyRequests or HttpStatusCode.UnprocessableEntity,
        _ => false,
    };

    public static GatewayFailure Unsupported(string why) => new(GatewayFailureKind.NotSupported,
        $"{Server} cannot be used for payment links: {why}. Use the hosted server, or npm @stripe/mcp 0.2.5 "
        + "with --tools=all.");

    private static bool CouldNotStart(Exception? exception)
    {
        while (exception is not null and not Win32Exception)
        {
            exception = exception.InnerException;
        }

        return exception is Win32Exception and not SocketException;
    }

    private static GatewayFailure Unreachable(string message) =>
        new(GatewayFailureKind.Unreachable, message) { IsRetryable = true };

    private static GatewayFailure OfStatus(HttpStatusCode status)
    {
        string shown = ((int)status).ToString(CultureInfo.InvariantCulture);
        return (int)status switch
        {
            401 => new GatewayFailure(GatewayFailureKind.Unauthorized,
                $"{Server} refused {StripeMcpKey.SecretName} (401). Check that it is a current secret or "
                + "restricted key of the right account."),
            403 => new GatewayFailure(GatewayFailureKind.Forbidden, $"{StripeMcpKey.SecretName} may not use the "
                + "Stripe MCP server this way (403). What it said is in the log."),
            408 => new GatewayFailure(GatewayFailureKind.TimedOut, $"{Server} gave up waiting (408).")
            { IsRetryable = true },
            404 => new GatewayFailure(GatewayFailureKind.ConnectionLost, $"{Server} does not know the session "
                + "or the address (404).")
            { IsRetryable = true },
            429 => new GatewayFailure(GatewayFailureKind.RateLimited, $"{Server} limits the rate of requests "
                + "(429). Try again later.")
            { IsRetryable = true },
            >= 300 and < 400 =>
                new GatewayFailure(GatewayFailureKind.Rejected, $"{Server} sent a redirect ({shown}); set "
                    + "Coach:Payments:Mcp:Url to the final address."),
            >= 400 and < 500 =>
                new GatewayFailure(GatewayFailureKind.Rejected, $"{Server} refused the request "
                    + $"({shown}). What it said is in the log."),
            _ => new GatewayFailure(GatewayFailureKind.ServerError, $"{Server} failed ({shown}).")
            { IsRetryable = true },
        };
    }

    private static GatewayFailure OfProtocol(
        McpProtocolException exception) => exception.ErrorCode switch
        {
            McpErrorCode.MethodNotFound => Unsupported("it takes no tool calls"),
            McpErrorCode.InvalidParams when ToolFailures.SaysNoTool(exception.Message) => ToolFailures.NoSuchTool(),
            McpErrorCode.InvalidParams or McpErrorCode.InvalidRequest or McpErrorCode.ParseError =>
                new GatewayFailure(
                    GatewayFailureKind.Rejected, $"{Server} refused the call. What it said is in the log."),
            McpErrorCode.UrlElicitationRequired or McpErrorCode.MissingRequiredClientCapability =>
                ToolFailures.Approval(),
            _ => new GatewayFailure(GatewayFailureKind.ServerError, $"{Server} failed inside.") { IsRetryable = true },
        };

    /// <summary>Whether an exception's message repeats what a server said.</summary>
    public static bool IsSaid(Exception exception) => exception is McpException
        or HttpRequestException { StatusCode: not null };
}
