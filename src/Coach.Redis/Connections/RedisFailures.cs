using System.Text.RegularExpressions;
using StackExchange.Redis;

namespace Coach.Redis.Connections;

/// <summary>
/// What Redis's errors mean for whoever runs the host. Their texts are not repeated: of a user's permissions the
/// command's name, of all others the code.
/// </summary>
internal static partial class RedisFailures
{
    /// <summary>Says what a failure means; null where that is not known.</summary>
    public static string? Explain(Exception exception) => CodeOf(exception) switch
    {
        "READONLY" => "it only reads (READONLY): a failover is under way, or ConnectionStrings:Redis names a replica",
        "MASTERDOWN" => "it has lost its primary (MASTERDOWN)",
        "LOADING" => "it is loading its data (LOADING)",
        "OOM" => "its memory is full (OOM): raise maxmemory, or look for what fills it",
        "MISCONF" => "it cannot write to its disk (MISCONF)",
        "NOREPLICAS" => "it has too few replicas to write (NOREPLICAS)",
        "BUSY" => "it is busy with a script (BUSY)",
        "CLUSTERDOWN" => "its cluster is down (CLUSTERDOWN)",
        "TRYAGAIN" => "its cluster is being resharded (TRYAGAIN)",
        "MOVED" or "ASK" => "its cluster moves keys and was not followed (MOVED): name all nodes",
        "CROSSSLOT" => "keys of one script lie on several nodes (CROSSSLOT)",
        "NOAUTH" or "WRONGPASS" => "it does not accept the password or user (NOAUTH)",
        "NOPERM" => Command(exception) is { } command
            ? $"its user may not run '{command}' (NOPERM): see the README of Coach.Redis"
            : "its user may not touch the keys or channels (NOPERM): see the README of Coach.Redis",
        "NOSCRIPT" => "it has forgotten its scripts (NOSCRIPT)",
        "max number of clients" => "it has too many connections (maxclients)",
        _ => OfConnection(exception),
    };

    /// <summary>Whether another server may be the primary now, so that a new connection may find it.</summary>
    public static bool IsOfFailover(Exception exception) =>
        CodeOf(exception) is "READONLY" or "MASTERDOWN" or "CLUSTERDOWN";

    /// <summary>Whether the server does not know a script that it has known.</summary>
    public static bool IsNoScript(Exception exception) => CodeOf(exception) == "NOSCRIPT";

    // At the beginning, or within what an older Redis says of a script that failed.
    private static string? CodeOf(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is RedisException && Code().Match(cause.Message) is { Success: true } match)
            {
                return match.Groups["code"].Value;
            }
        }

        return null;
    }

    private static string? Command(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (NotPermitted().Match(cause.Message) is { Success: true } match)
            {
                return match.Groups["command"].Value;
            }
        }

        return null;
    }

    private static string? OfConnection(Exception exception) => exception switch
    {
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } =>
            "it does not accept the password, the user or TLS",
        RedisConnectionException or RedisTimeoutException => "it cannot be reached, or answers too late",
        _ => null,
    };

    [GeneratedRegex(
        @"(?:^|[-: ])(?<code>READONLY|MASTERDOWN|LOADING|OOM|MISCONF|NOREPLICAS|BUSY|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|"
            + @"CROSSSLOT|NOAUTH|WRONGPASS|NOPERM|NOSCRIPT|max number of clients)\b",
        RegexOptions.CultureInvariant)]
    private static partial Regex Code();

    [GeneratedRegex(
        @"permissions? to run the '(?<command>[a-z|]{1,40})' command", RegexOptions.CultureInvariant)]
    private static partial Regex NotPermitted();
}
