using System.Buffers;
using Coach.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Coach.Postgres.Settings;

internal sealed class CoachPostgresOptionsValidator : IValidateOptions<CoachPostgresOptions>
{
    private static readonly SearchValues<char> SchemaCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_");

    public ValidateOptionsResult Validate(string? name, CoachPostgresOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new OptionsCheck("Coach:Postgres", name)
            .That(
                !string.IsNullOrWhiteSpace(options.ConnectionString),
                "ConnectionStrings:Coach is missing; set it, or Coach:Postgres:ConnectionString.")
            .That(
                CanParse(options.ConnectionString),
                "ConnectionStrings:Coach cannot be read; write it like Host=…;Database=…;Username=…;Password=….")
            .That(
                CanParse(options.ListenConnectionString ?? ""),
                "Coach:Postgres:ListenConnectionString cannot be read; write it like Host=…;Database=…;Username=…;Password=….")
            .That(
                IsSchema(options.Schema),
                "Coach:Postgres:Schema must have 1 to 63 characters from a-z, 0-9 and '_', and not begin with a digit.")
            .InRange(options.TimeLimit, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(60))
            .InRange(options.FailuresBeforeBreak, 1, 100)
            .InRange(options.BreakDuration, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
            .InRange(options.PruneInterval, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .That(
                Enum.IsDefined(options.EndedSessionsWhenAway),
                "Coach:Postgres:EndedSessionsWhenAway must be FailClosed, FailOpen or FallBackToProcess.")
            .Result();
    }

    public static bool IsSchema(string schema) =>
        schema is { Length: > 0 and <= 63 } && !char.IsAsciiDigit(schema[0])
            && !schema.AsSpan().ContainsAnyExcept(SchemaCharacters);

    // Not its message: that could repeat the text, and with it the password.
    private static bool CanParse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) || new NpgsqlConnectionStringBuilder(text).Host is { Length: > 0 };
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return false;
        }
    }
}
