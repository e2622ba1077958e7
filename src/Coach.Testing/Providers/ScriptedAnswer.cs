namespace Coach.Testing;

/// <summary>A chat answer that the <see cref="ProviderFake"/> gives in whatever protocol it is asked in.</summary>
public sealed class ScriptedAnswer
{
    private readonly List<AnswerPart> _parts = [];

    private ScriptedAnswer()
    {
    }

    internal enum PartKind
    {
        Text,
        Thought,
        ToolCall,
    }

    internal IReadOnlyList<AnswerPart> Parts => _parts;

    internal string? BlockReason { get; private set; }

    internal string? Finish { get; private set; }

    internal string? Model { get; private set; }

    internal int InputTokens { get; private set; } = 7;

    internal int OutputTokens { get; private set; } = 5;

    internal int ThoughtTokens { get; private set; }

    internal int CachedTokens { get; private set; }

    internal string? RawBody { get; private set; }

    internal string RawContentType { get; private set; } = "text/event-stream";

    internal bool HasToolCalls => _parts.Exists(part => part.Kind == PartKind.ToolCall);

    /// <summary>An answer of plain text; a stream brings it word by word.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The answer.</returns>
    public static ScriptedAnswer Text(string text) => new ScriptedAnswer().ThenText(text);

    /// <summary>An answer that calls a tool.</summary>
    /// <param name="name">The tool's name.</param>
    /// <param name="argumentsJson">The arguments, a JSON object.</param>
    /// <param name="id">The call's id; null leaves it out where the provider may (Gemini), else one is made up.</param>
    /// <param name="signature">The thought signature, base64, for Gemini.</param>
    /// <returns>The answer.</returns>
    public static ScriptedAnswer ToolCall(
        string name, string argumentsJson, string? id = null, string? signature = null) =>
        new ScriptedAnswer().ThenToolCall(name, argumentsJson, id, signature);

    /// <summary>A prompt that the provider refuses to answer, in the provider's own way.</summary>
    /// <param name="reason">The reason, in Gemini's words.</param>
    /// <returns>The answer.</returns>
    public static ScriptedAnswer Blocked(string reason = "SAFETY") => new() { BlockReason = reason };

    /// <summary>A recorded body, sent as it is with status 200.</summary>
    /// <param name="body">The whole body.</param>
    /// <param name="contentType">Its content type.</param>
    /// <returns>The answer.</returns>
    public static ScriptedAnswer Recorded(string body, string contentType = "text/event-stream") =>
        new() { RawBody = body, RawContentType = contentType };

    /// <summary>Adds text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer ThenText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        _parts.Add(new AnswerPart(PartKind.Text, text, null, null, null));
        return this;
    }

    /// <summary>Adds a tool call.</summary>
    /// <param name="name">The tool's name.</param>
    /// <param name="argumentsJson">The arguments, a JSON object.</param>
    /// <param name="id">The call's id, or null.</param>
    /// <param name="signature">The thought signature, base64, or null.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer ThenToolCall(string name, string argumentsJson, string? id = null, string? signature = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(argumentsJson);
        _parts.Add(new AnswerPart(PartKind.ToolCall, argumentsJson, name, id, signature));
        return this;
    }

    /// <summary>Adds a thought.</summary>
    /// <param name="text">The summary.</param>
    /// <param name="signature">Its signature, or null.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer ThenThought(string text, string? signature = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        _parts.Add(new AnswerPart(PartKind.Thought, text, null, null, signature));
        return this;
    }

    /// <summary>Ends with a reason in the provider's own words, such as <c>SAFETY</c>, <c>length</c> or
    /// <c>max_tokens</c>.</summary>
    /// <param name="reason">The reason.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer WithFinish(string reason)
    {
        Finish = reason;
        return this;
    }

    /// <summary>Sets the reported model.</summary>
    /// <param name="model">The model; unless set, the one asked for.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer WithModel(string model)
    {
        Model = model;
        return this;
    }

    /// <summary>Sets the reported token counts.</summary>
    /// <param name="input">All input tokens, cached ones included.</param>
    /// <param name="output">Visible output tokens.</param>
    /// <param name="thoughts">Thought tokens, on top of <paramref name="output"/>.</param>
    /// <param name="cached">Cached input tokens, inside <paramref name="input"/>.</param>
    /// <returns>This answer.</returns>
    public ScriptedAnswer WithUsage(int input, int output, int thoughts = 0, int cached = 0)
    {
        InputTokens = input;
        OutputTokens = output;
        ThoughtTokens = thoughts;
        CachedTokens = cached;
        return this;
    }

    internal static IEnumerable<string> Words(string text)
    {
        int start = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] == ' ' && text[i - 1] != ' ')
            {
                yield return text[start..i];
                start = i;
            }
        }

        if (start < text.Length)
        {
            yield return text[start..];
        }
    }

    internal sealed record AnswerPart(PartKind Kind, string Value, string? Name, string? Id, string? Signature);
}
