using System.Globalization;
using System.Text.Json;
using Processor.Execution;
using Processor.Runs;

namespace Processor.Protocol;

/// <summary>A first frame, understood.</summary>
internal sealed record OpenFrame(
    Generation Generation, ConnectionRole Role, string RunId, bool HasRequest, string RequestHash, double? AskedSeconds,
    long After, ParsedRequest Request);

/// <summary>A controller's frame, understood.</summary>
internal sealed record ControlFrame(string Operation, RunBudget? Budget, string? Problem);

/// <summary>
/// Reads frames of both generations. What is wrong ends in a <see cref="ProtocolFault"/>, nothing else.
/// </summary>
internal static class FrameReader
{
    private const int MaxRunId = 128;
    private const string Kinds = "The first frame is of kind 'RunOpen' or 'Request'.";

    /// <summary>Reads the first frame.</summary>
    /// <exception cref="ProtocolFault">It is none, or lacks what it must have.</exception>
    public static OpenFrame ReadOpen(ReadOnlyMemory<byte> frame, int maxDepth) => Read(frame, maxDepth, root =>
        Text(root, "kind") switch
        {
            "RunOpen" => ReadOlder(root),
            "Request" => ReadNewer(root),
            _ => throw ProtocolFault.WrongKind(Kinds),
        });

    /// <summary>Reads a frame after the first one.</summary>
    /// <exception cref="ProtocolFault">It is no control frame.</exception>
    public static ControlFrame ReadControl(ReadOnlyMemory<byte> frame, int maxDepth) => Read(frame, maxDepth, root =>
    {
        if (Text(root, "kind") != "control")
        {
            throw ProtocolFault.WrongKind("After its first frame a connection sends frames of kind 'control' only.");
        }

        JsonElement content = Object(root, "content") ?? Object(root, "control")
            ?? throw ProtocolFault.Violation("A control frame has 'content' with 'op'.", Generation.Unknown);
        string operation = (Text(content, "op") ?? "").ToLowerInvariant();
        if (operation.Length is 0 or > 64)
        {
            throw ProtocolFault.Violation("A control frame has 'content' with 'op'.", Generation.Unknown);
        }

        return operation == "set_budget"
            ? ReadBudget(content)
            : new ControlFrame(operation, Budget: null, Problem: null);
    });

    private static OpenFrame ReadOlder(JsonElement root)
    {
        JsonElement content = Object(root, "content")
            ?? throw ProtocolFault.Violation("'RunOpen' has 'content' with 'role', 'run_id' and 'payload'.", Generation.Older);
        string id = RunId(content, Generation.Older, "run_id", "execution_id");
        if (IsFlat(content))
        {
            JsonElement targets = content.TryGetProperty("outputs", out JsonElement found) ? found : default;
            return Open(
                Generation.Older, ConnectionRole.Client, id, hasRequest: true, content, content,
                Text(content, "write_prefix") ?? "", targets, uploads: default, After(content));
        }

        ConnectionRole role = (Text(content, "role") ?? "").ToLowerInvariant() switch
        {
            "client" => ConnectionRole.Client,
            "controller" => ConnectionRole.Controller,
            "observer" => ConnectionRole.Observer,
            _ => throw ProtocolFault.Violation(
                "'role' is 'client', 'controller' or 'observer'.", Generation.Older, id),
        };
        JsonElement? payload = Object(content, "payload");
        JsonElement body = payload ?? default;
        JsonElement uploads = payload is not null && body.TryGetProperty("put_urls", out JsonElement urls)
            ? urls
            : default;
        return Open(
            Generation.Older, role, id, payload is not null && body.EnumerateObject().Any(), body, body,
            Text(body, "write_prefix") ?? "", outputs: default, uploads, After(content));
    }

    // The form between the two: the content is the payload, and whoever brings inputs is the client.
    private static bool IsFlat(JsonElement content) =>
        !content.TryGetProperty("role", out _)
        && !content.TryGetProperty("payload", out _)
        && Object(content, "inputs") is not null;

    private static OpenFrame ReadNewer(JsonElement root)
    {
        JsonElement control = Object(root, "control")
            ?? throw ProtocolFault.Violation("'Request' has 'control' with 'run_id' and 'mode'.", Generation.Newer);
        string id = RunId(control, Generation.Newer, "run_id", "execution_id");
        ConnectionRole role = (Text(control, "role") ?? "client").ToLowerInvariant() switch
        {
            "client" => ConnectionRole.Client,
            "controller" => ConnectionRole.Controller,
            "observer" => ConnectionRole.Observer,
            _ => throw ProtocolFault.Violation(
                "'role' is 'client', 'controller' or 'observer'.", Generation.Newer, id),
        };
        JsonElement outputs = root.TryGetProperty("outputs", out JsonElement named) ? named : default;
        return Open(
            Generation.Newer, role, id, root.TryGetProperty("inputs", out _), control, root,
            Text(control, "write_prefix") ?? "", outputs, uploads: default, After(control));
    }

    private static OpenFrame Open(
        Generation generation, ConnectionRole role, string id, bool hasRequest, JsonElement settings, JsonElement body,
        string prefix, JsonElement outputs, JsonElement uploads, long after)
    {
        bool isMode = settings.ValueKind == JsonValueKind.Object && settings.TryGetProperty("mode", out JsonElement given)
            && given.ValueKind != JsonValueKind.Null;

        // A mode that is no text is no mode, and never the default one.
        string? mode = isMode ? Text(settings, "mode") ?? "" : null;
        JsonElement inputs = hasRequest && body.TryGetProperty("inputs", out JsonElement found) ? found : default;
        return new OpenFrame(
            generation, role, id, hasRequest,
            hasRequest ? RunRequest.Hash(mode, inputs, prefix, outputs, uploads) : "",
            Seconds(settings, "timeout_s"), after,
            ParsedRequest.Of(() => RunRequest.Parse(mode, inputs, prefix, outputs, uploads)));
    }

    private static ControlFrame ReadBudget(JsonElement content)
    {
        string? problem = null;
        long? Whole(string name)
        {
            if (!content.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
            {
                return null;
            }

            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 0)
            {
                return number;
            }

            problem = $"'{name}' is a whole number from 0.";
            return null;
        }

        long? tokens = Whole("tokens");
        long? cost = Whole("cost_micro");
        double? seconds = Seconds(content, "time_s");
        if (seconds is null && content.TryGetProperty("time_s", out JsonElement time) && time.ValueKind != JsonValueKind.Null)
        {
            problem = "'time_s' is a number of seconds above 0.";
        }

        return new ControlFrame(
            "set_budget",
            problem is null ? new RunBudget(tokens, seconds is { } s ? TimeSpan.FromSeconds(s) : null, cost) : null,
            problem);
    }

    private static T Read<T>(ReadOnlyMemory<byte> frame, int maxDepth, Func<JsonElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(frame, new JsonDocumentOptions { MaxDepth = maxDepth });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(document.RootElement)
                : throw ProtocolFault.WrongKind("A frame is a JSON object.");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            // Not JSON, too deep, or a text with half a character.
            throw ProtocolFault.WrongKind(
                string.Create(CultureInfo.InvariantCulture, $"A frame is a JSON object, at most {maxDepth} levels deep."));
        }
    }

    private static string RunId(JsonElement element, Generation generation, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Text(element, name)?.Trim() is { Length: > 0 } id)
            {
                return id.Length <= MaxRunId && id is not ("." or "..") && id.All(IsIdCharacter)
                    ? id
                    : throw ProtocolFault.Violation(
                        $"A run id has 1 to {MaxRunId} letters, digits, '-', '_' and '.'.", generation);
            }
        }

        throw ProtocolFault.Violation("There is no 'run_id'.", generation);
    }

    private static bool IsIdCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';

    private static long After(JsonElement element) =>
        element.TryGetProperty("after", out JsonElement value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long after) && after > 0
            ? after
            : 0;

    private static double? Seconds(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double seconds)
        && seconds is > 0 and <= 1_000_000
            ? seconds
            : null;

    private static JsonElement? Object(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Object ? value : null;

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
