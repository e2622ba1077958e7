using System.Globalization;
using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.AspNetCore.Diagnostics;
using Coach.AspNetCore.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Runs a host so that a failed start is a sentence, not a stack trace.</summary>
public static partial class CoachWebApplicationExtensions
{
    /// <summary>
    /// Runs the application until it is stopped. Wrong settings, missing secrets and a taken port are logged as one
    /// sentence each.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <param name="cancellationToken">Stops the application.</param>
    /// <returns>The process's exit code: 0 after a normal stop, 1 when the application could not start.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    public static async Task<int> RunCoachAsync(this WebApplication app, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(app);
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Coach.AspNetCore");
        try
        {
            app.Services.GetService<IStartupValidator>()?.Validate();
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (Describe(exception, app) is { } reason)
        {
            logger.StartFailed(reason);
            await app.DisposeAsync().ConfigureAwait(false);
            return 1;
        }

        await app.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        return 0;
    }

    private static string? Describe(Exception exception, WebApplication app) => exception switch
    {
        OptionsValidationException wrong => string.Join(' ', wrong.Failures),
        CoachException known => known.Message,
        InvalidOperationException bound when Unconverted().Match(bound.Message) is { Success: true } match =>
            string.Create(CultureInfo.InvariantCulture,
            $"{match.Groups["key"]} is {CoachEnvironment.Shown(match.Groups["value"].Value)}; it must be "
            + $"{Expected(match.Groups["type"].Value)}."),
        InvalidOperationException https when https.Message.Contains(
            "No server certificate was specified", StringComparison.Ordinal) =>
            "HTTPS needs a certificate. Set Kestrel:Certificates:Default, or listen on http:// behind a proxy.",
        FormatException address when address.Message.StartsWith("Invalid url", StringComparison.Ordinal) =>
            $"{CoachEnvironment.Shown(address.Message)}; an address is like http://127.0.0.1:8080.",
        AggregateException many when many.Flatten().InnerExceptions.Select(inner => Describe(inner, app))
            .ToArray() is var reasons
            && reasons.All(reason => reason is not null) => string.Join(' ', reasons.Distinct()),
        IOException { InnerException: AddressInUseException } =>
            $"The address {app.Configuration["urls"]} is in use. Stop what listens there, or choose another port "
            + "with PORT=8081.",
        IOException { InnerException: System.Net.Sockets.SocketException } =>
            $"The address {app.Configuration["urls"]} cannot be used. Set HOST and PORT to an address of this "
            + "machine and a free port.",
        _ => null,
    };

    private static string Expected(string type) => type switch
    {
        "System.Boolean" => "true or false",
        "System.TimeSpan" => "a duration such as 00:00:05",
        "System.Int32" or "System.Int64" => "a whole number",
        "System.Single" or "System.Double" or "System.Decimal" => "a number",
        "System.Uri" => "a URL",
        _ => $"a {type}",
    };

    // What the configuration binder says of a value of the wrong type.
    [GeneratedRegex(
        "^Failed to convert configuration value '(?<value>.*)' at '(?<key>[^']+)' to type '(?<type>[^']+)'",
        RegexOptions.Singleline | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Unconverted();
}
