using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Processor.Execution;

/// <summary>
/// A request that was read, or why it could not be: a run keeps this, and not the frame that it came in.
/// </summary>
internal sealed record ParsedRequest(RunRequest? Request, ProcessorException? Failure)
{
    public static ParsedRequest Of(Func<RunRequest> parse)
    {
        try
        {
            return new ParsedRequest(parse(), Failure: null);
        }
        catch (ProcessorException failure)
        {
            return new ParsedRequest(Request: null, failure);
        }
        catch (InvalidOperationException)
        {
            return new ParsedRequest(
                Request: null,
                new ProcessorException(RunErrors.Inputs, "A text of the inputs ends in half a character."));
        }
    }

    /// <exception cref="ProcessorException">There is no request.</exception>
    public RunRequest Get() => Request ?? throw Failure!;
}

/// <summary>What a client asked for, checked.</summary>
internal sealed record RunRequest
{
    public required RunMode Mode { get; init; }

    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>The model; empty: the registry file's.</summary>
    public string Model { get; init; } = "";

    public int? MaxOutputTokens { get; init; }

    /// <summary>Where outputs go; empty: a folder of the run's own.</summary>
    public string WritePrefix { get; init; } = "";

    /// <summary>Newer generation: key to path or URL.</summary>
    public IReadOnlyDictionary<string, string> Outputs { get; init; } = new Dictionary<string, string>();

    /// <summary>Older generation: the URLs that the run's own files go to, by their path below the prefix.</summary>
    public IReadOnlyDictionary<string, string> Uploads { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Reads inputs, in either of the two shapes that go round: <c>params.messages</c> and <c>messages</c>.
    /// </summary>
    /// <exception cref="ProcessorException">Something is missing or wrong; the message names the field.</exception>
    public static RunRequest Parse(
        string? mode, JsonElement inputs, string writePrefix, JsonElement outputs, JsonElement uploads = default)
    {
        if (inputs.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("'inputs' is an object with 'params'.");
        }

        if (inputs.TryGetProperty("schema", out JsonElement schema)
            && !(schema.ValueKind == JsonValueKind.String && schema.ValueEquals("v1")))
        {
            throw Wrong("'inputs.schema' is 'v1'; this processor knows no other.");
        }

        bool isNested = inputs.TryGetProperty("params", out JsonElement parameters);
        if (isNested && parameters.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("'inputs.params' is an object with 'messages'.");
        }

        JsonElement source = isNested ? parameters : inputs;
        return new RunRequest
        {
            Mode = ParseMode(mode),
            Messages = ParseMessages(source),
            Model = OptionalText(source, "model", 128),
            MaxOutputTokens = ParseMaxTokens(source),
            WritePrefix = writePrefix,
            Outputs = ParseOutputs(outputs, "outputs"),
            Uploads = ParseOutputs(uploads, "put_urls"),
        };
    }

    /// <summary>The fingerprint of a request as it was sent: the same request may come again to read its run.</summary>
    public static string Hash(
        string? mode, JsonElement inputs, string writePrefix, JsonElement outputs, JsonElement uploads = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string part in (string[])[mode ?? "", writePrefix, Raw(inputs), Raw(outputs), Raw(uploads)])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(part));
            hash.AppendData([0]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Without a mode nothing outside is touched.
    private static RunMode ParseMode(string? mode) => mode switch
    {
        null or "mock" => RunMode.Mock,
        "real" => RunMode.Real,
        _ => throw Wrong("'mode' is 'mock' or 'real'."),
    };

    private static List<ChatMessage> ParseMessages(JsonElement source)
    {
        if (!source.TryGetProperty("messages", out JsonElement list)
            || list.ValueKind != JsonValueKind.Array
            || list.GetArrayLength() == 0)
        {
            throw Wrong("'messages' is a list of at least one message with 'role' and 'content'.");
        }

        var messages = new List<ChatMessage>(list.GetArrayLength());
        foreach (JsonElement message in list.EnumerateArray())
        {
            string at = string.Create(CultureInfo.InvariantCulture, $"messages[{messages.Count}]");
            if (message.ValueKind != JsonValueKind.Object)
            {
                throw Wrong($"'{at}' is an object with 'role' and 'content'.");
            }

            messages.Add(new ChatMessage(ParseRole(message, at), ParseContent(message, at)));
        }

        return messages;
    }

    private static ChatRole ParseRole(JsonElement message, string at) =>
        (message.TryGetProperty("role", out JsonElement role) && role.ValueKind == JsonValueKind.String
            ? role.GetString()
            : null) switch
        {
            "user" => ChatRole.User,
            "system" => ChatRole.System,
            "assistant" => ChatRole.Assistant,
            _ => throw Wrong($"'{at}.role' is 'user', 'system' or 'assistant'."),
        };

    private static string ParseContent(JsonElement message, string at)
    {
        message.TryGetProperty("content", out JsonElement content);
        string text = "";
        if (content.ValueKind == JsonValueKind.String)
        {
            text = content.GetString()!;
        }
        else if (content.ValueKind == JsonValueKind.Array)
        {
            text = string.Concat(content.EnumerateArray().Select(part =>
                part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement piece)
                    && piece.ValueKind == JsonValueKind.String
                    ? piece.GetString()
                    : throw Wrong($"'{at}.content' has a part that is no text; this processor reads text only.")));
        }

        return text.Length > 0 ? text : throw Wrong($"'{at}.content' is a text that is not empty.");
    }

    private static int? ParseMaxTokens(JsonElement source)
    {
        if (!source.TryGetProperty("max_tokens", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int tokens) && tokens > 0
            ? tokens
            : throw Wrong("'max_tokens' is a whole number above 0.");
    }

    private static Dictionary<string, string> ParseOutputs(JsonElement outputs, string field)
    {
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        if (outputs.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return named;
        }

        if (outputs.ValueKind != JsonValueKind.Object)
        {
            throw Wrong($"'{field}' is an object of keys and where each is written.");
        }

        foreach (JsonProperty output in outputs.EnumerateObject())
        {
            if (output.Value.ValueKind != JsonValueKind.String || named.Count == 64)
            {
                throw Wrong($"'{field}' has at most 64 keys, each with a path or a URL.");
            }

            named[output.Name] = output.Value.GetString()!;
        }

        return named;
    }

    private static string OptionalText(JsonElement source, string name, int maxLength)
    {
        if (!source.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return "";
        }

        return value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length <= maxLength
            ? text
            : throw Wrong($"'{name}' is a text of at most {maxLength} characters.");
    }

    private static string Raw(JsonElement element) =>
        element.ValueKind == JsonValueKind.Undefined ? "" : element.GetRawText();

    private static ProcessorException Wrong(string message) => new(RunErrors.Inputs, message);
}
