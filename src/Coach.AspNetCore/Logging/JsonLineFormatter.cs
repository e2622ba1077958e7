using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Coach.AspNetCore.Logging;

/// <summary>One JSON object per line, with texts of known key shapes masked.</summary>
internal sealed class JsonLineFormatter(TimeProvider time) : ConsoleFormatter(CoachJsonConsoleExtensions.FormatterName)
{
    private const int MaxText = 2000;
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("ts", time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteString("level", Level(logEntry.LogLevel));
            json.WriteNumber("event", logEntry.EventId.Id);
            json.WriteString("category", logEntry.Category);
            json.WriteString("message", Safe(logEntry.Formatter(logEntry.State, logEntry.Exception)));
            var names = new HashSet<string>(StringComparer.Ordinal)
            {
                "ts",
                "level",
                "event",
                "category",
                "message",
                "error",
                "{OriginalFormat}",
            };
            WriteValues(json, logEntry.State, names);
            scopeProvider?.ForEachScope(
                static (scope, state) => WriteValues(state.json, scope, state.names), (json, names));
            if (logEntry.Exception is { } exception)
            {
                json.WriteString("error", Safe(exception.ToString(), limit: MaxText * 4));
            }

            json.WriteEndObject();
        }

        textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        textWriter.Write('\n');
    }

    // The message's own values come first; a scope does not overwrite them.
    private static void WriteValues(Utf8JsonWriter json, object? state, HashSet<string> names)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> values)
        {
            return;
        }

        foreach ((string key, object? value) in values)
        {
            string name = Safe(key);
            if (!names.Add(name))
            {
                continue;
            }

            switch (value)
            {
                case null:
                    json.WriteNull(name);
                    break;
                case bool flag:
                    json.WriteBoolean(name, flag);
                    break;
                case int or long or short or byte:
                    json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumber(name, number);
                    break;
                default:
                    json.WriteString(name, Safe(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                    break;
            }
        }
    }

    // Masked before it is cut, so that no half of a key stays behind the shape's minimum length.
    private static string Safe(string text, int limit = MaxText)
    {
        string redacted = KeyRedactor.Redact(text.Length > limit * 4 ? text[..(limit * 4)] : text);
        return redacted.Length <= limit ? redacted : redacted[..limit] + "…";
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };
}
