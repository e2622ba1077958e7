using Coach.AspNetCore.Logging;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Logs as JSON lines on the console.</summary>
public static class CoachJsonConsoleExtensions
{
    /// <summary>The name of the formatter, for <c>Logging:Console:FormatterName</c>.</summary>
    public const string FormatterName = "coach-json";

    /// <summary>
    /// Writes one JSON object per line (<c>ts</c>, <c>level</c>, <c>event</c>, <c>category</c>, <c>message</c>, the
    /// message's values, the scopes' values, <c>error</c>). Text with the shape of a known key is masked, and each text
    /// is cut at 2,000 characters.
    /// </summary>
    /// <param name="logging">The host's logging.</param>
    /// <returns>The same logging.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="logging"/> is null.</exception>
    public static ILoggingBuilder AddCoachJsonConsole(this ILoggingBuilder logging)
    {
        ArgumentNullException.ThrowIfNull(logging);
        logging.Services.TryAddSingleton(TimeProvider.System);
        logging.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ConsoleFormatter, JsonLineFormatter>());
        return logging.AddConsole(console => console.FormatterName = FormatterName);
    }
}
