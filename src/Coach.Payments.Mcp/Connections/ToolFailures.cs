using System.Text.RegularExpressions;
using Coach.Payments.Gateways;

namespace Coach.Payments.Mcp.Connections;

/// <summary>
/// What a tool's error text means. The servers send neither type nor code, so text is all there is; what is not known
/// to be a refusal counts as an unknown outcome. The text itself goes into the log alone: whoever controls the server
/// could have people read anything.
/// </summary>
internal static partial class ToolFailures
{
    // Stripe's refusals of a request as such, as its API words them; each proves that nothing was done.
    private static readonly string[] Refusals =
    [
        "unknown parameter", "invalid ", "input validation error", "must be", "must have", "must not", "must convert",
        "cannot be", "cannot use", "may not", "not allowed", "not supported", "not a valid", "too small", "too large",
        "at least", "at most", "no more than", "is required", "are required", "missing required", "does not exist",
        "only be", "only checkout sessions", "already been", "exceeds", "unsupported", "not active", "is inactive",
    ];

    // Stripe, or the way to it, failed: what was asked may have been done.
    private static readonly string[] Faults =
        ["connection", "timed out", "timeout", "unknown error", "went wrong", "internal", "unexpected", "unavailable"];

    private const string NoSuchToolMessage =
        "The Stripe MCP server does not offer a tool any more that it has listed. Nothing was done; the next call "
        + "looks for the tools that there are.";

    public static GatewayFailure Approval() => new(GatewayFailureKind.ApprovalNeeded,
        "The Stripe MCP server wants a person to approve this write, and nothing was done. Use a key or a "
        + "server that needs no approval, or the REST gateway.");

    public static GatewayFailure Bad(string what) =>
        new(GatewayFailureKind.BadAnswer, $"The Stripe MCP server sent {what}.") { IsRetryable = true };

    /// <summary>A "success" that is a sentence: <c>"Failed to create payment link"</c> says that it failed, but not
    /// why, so it may have been done.</summary>
    public static GatewayFailure OfSentence(string text) => AsksForApproval(text)
        ? Approval()
        : Bad("a sentence instead of the object; it does not say why. The Stripe dashboard's log does");

    /// <summary>The server lists other tools now than when it was connected to: nothing was done.</summary>
    public static GatewayFailure NoSuchTool() => new(GatewayFailureKind.NotSupported, NoSuchToolMessage);

    public static bool IsNoSuchTool(GatewayFailure failure) => failure.Message == NoSuchToolMessage;

    /// <summary>Whether a server says that it does not know a tool.</summary>
    public static bool SaysNoTool(string text) => NoTool().IsMatch(text);

    /// <summary>A tool error.</summary>
    public static GatewayFailure OfError(string text)
    {
        if (AsksForApproval(text))
        {
            return Approval();
        }

        if (Missing().Match(text) is { Success: true } missing)
        {
            return new GatewayFailure(GatewayFailureKind.Rejected, "The Stripe MCP server misses a parameter.")
            { Parameter = missing.Groups["name"].Value };
        }

        if (SaysNoTool(text))
        {
            return NoSuchTool();
        }

        if (Has(text, "is not available"))
        {
            return new GatewayFailure(GatewayFailureKind.NotSupported, "The Stripe MCP server does not offer this.");
        }

        if (Has(text, "lookup key") && Has(text, "already"))
        {
            return new GatewayFailure(GatewayFailureKind.AlreadyExists, "A price with this lookup key exists already.");
        }

        if (Has(text, "rate limit") || Has(text, "too many requests") || Has(text, "currently accessing it"))
        {
            return new GatewayFailure(GatewayFailureKind.RateLimited, "Stripe limits the rate of requests. Try "
                + "again later.")
            { IsRetryable = true };
        }

        if (Has(text, "invalid api key") || Has(text, "expired api key") || Has(text, "did not provide an api key"))
        {
            return new GatewayFailure(
                GatewayFailureKind.Unauthorized,
                $"Stripe refused {StripeMcpKey.SecretName}. Check that it is a current key of the right account.");
        }

        if (Has(text, "permission"))
        {
            return new GatewayFailure(GatewayFailureKind.Forbidden, $"{StripeMcpKey.SecretName} may not do "
                + "this.");
        }

        if (Has(text, "no such "))
        {
            return new GatewayFailure(GatewayFailureKind.NotFound, "Stripe does not know the object.");
        }

        return !Array.Exists(Faults, fault => Has(text, fault)) && Array.Exists(Refusals, refusal => Has(text, refusal))
            ? new GatewayFailure(GatewayFailureKind.Rejected, "Stripe refused the request. What it said is in the log.")
            : new GatewayFailure(GatewayFailureKind.ServerError, "The tool failed, and what was asked may have "
                + "been done.")
            { IsRetryable = true };
    }

    public static bool AsksForApproval(string text) =>
        Has(text, "needs_confirmation") || Has(text, "human_confirmation") || Has(text, "approval_token");

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(
        @"Missing required (?:\w+ )?parameters?: (?<name>[A-Za-z_]+)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Missing();

    [GeneratedRegex(
        @"\btool\b.{0,80}\bnot found\b|\bunknown tool\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NoTool();
}
