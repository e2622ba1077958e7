namespace Coach.Llm.Core;

/// <summary>
/// What a request can do without: models refuse such settings, and an answer without them is still the answer.
/// </summary>
[Flags]
internal enum RequestParameters
{
    None = 0,
    Temperature = 1,
    TopP = 1 << 1,
    TopK = 1 << 2,
    FrequencyPenalty = 1 << 3,
    PresencePenalty = 1 << 4,
    Seed = 1 << 5,
    Logprobs = 1 << 6,
    TopLogprobs = 1 << 7,
    Effort = 1 << 8,
    Verbosity = 1 << 9,

    /// <summary>The limit of tokens goes under its other name; it is never dropped.</summary>
    OtherTokenLimit = 1 << 10,

    /// <summary>Effort goes in the older form, as a budget of tokens (Anthropic).</summary>
    OlderEffort = 1 << 11,

    /// <summary>Thoughts do not come encrypted: models that do not think refuse to (OpenAI's Responses API).</summary>
    PlainThoughts = 1 << 12,

    /// <summary>A stream ends without its usage: some servers know no options of streams.</summary>
    NoStreamUsage = 1 << 13,

    /// <summary>
    /// Effort is "none": some models take tools only where they do not reason (OpenAI's chat completions).
    /// </summary>
    NoReasoning = 1 << 14,
}

/// <summary>Reads from a provider's refusal which parameter it is about.</summary>
internal static class ParameterRefusal
{
    private const RequestParameters Renamed =
        RequestParameters.OtherTokenLimit | RequestParameters.OlderEffort | RequestParameters.PlainThoughts
        | RequestParameters.NoStreamUsage;

    // How providers call them, in the field that names the parameter and in sentences.
    private static readonly (string Name, RequestParameters Parameter)[] Names =
    [
        ("temperature", RequestParameters.Temperature),
        ("top_p", RequestParameters.TopP),
        ("topP", RequestParameters.TopP),
        ("top_k", RequestParameters.TopK),
        ("topK", RequestParameters.TopK),
        ("frequency_penalty", RequestParameters.FrequencyPenalty),
        ("frequencyPenalty", RequestParameters.FrequencyPenalty),
        ("presence_penalty", RequestParameters.PresencePenalty),
        ("presencePenalty", RequestParameters.PresencePenalty),
        ("penalty", RequestParameters.FrequencyPenalty | RequestParameters.PresencePenalty),
        ("seed", RequestParameters.Seed),
        ("logprobs", RequestParameters.Logprobs | RequestParameters.TopLogprobs),
        ("top_logprobs", RequestParameters.TopLogprobs),
        ("effort", RequestParameters.Effort),
        ("reasoning_effort", RequestParameters.Effort),
        ("reasoning", RequestParameters.Effort),
        ("thinking", RequestParameters.Effort),
        ("adaptive", RequestParameters.Effort),
        ("thinking_level", RequestParameters.Effort),
        ("thinkingLevel", RequestParameters.Effort),
        ("thinking_budget", RequestParameters.Effort),
        ("thinkingBudget", RequestParameters.Effort),
        ("thinking_config", RequestParameters.Effort),
        ("thinkingConfig", RequestParameters.Effort),
        ("verbosity", RequestParameters.Verbosity),
        ("include", RequestParameters.PlainThoughts),
        ("stream_options", RequestParameters.NoStreamUsage),
        ("max_tokens", RequestParameters.OtherTokenLimit),
        ("max_completion_tokens", RequestParameters.OtherTokenLimit),
    ];

    private static readonly string[] RefusingCodes =
        ["unsupported_parameter", "unsupported_value", "unknown_parameter", "unrecognized_parameter", "unsupported_argument"];

    // A parameter is refused by these words; a value that is out of range by others, and that the caller must learn.
    private static readonly string[] Refusals =
    [
        "unsupported", "not supported", "not support", "n't support", "no longer support", "deprecated", "not permitted",
        "extra inputs", "unrecognized", "unknown parameter", "unknown name", "unknown field", "unexpected keyword",
        "unexpected field", "not allowed", "not enabled", "not available", "not accepted", "not configurable",
        "cannot be used", "cannot be set", "cannot be specified", "cannot both be", "can't be used", "may only be set to",
        "must be set to 1",
        "only the default", "is allowed for this model", "not compatible", "incompatible", "is removed", "been removed",
    ];

    /// <summary>What a refusal names; none where it is about something else, or about a value.</summary>
    public static RequestParameters Read(int status, ErrorBody body)
    {
        if (status is not (400 or 422))
        {
            return RequestParameters.None;
        }

        bool isRefusing = Array.Exists(
            RefusingCodes, code => code.Equals(body.Code, StringComparison.OrdinalIgnoreCase))
            || IsOfAnotherForm(body)
            || Array.Exists(Refusals, words => body.Message.Contains(words, StringComparison.OrdinalIgnoreCase));
        if (!isRefusing)
        {
            return RequestParameters.None;
        }

        RequestParameters named = Named(body.Parameter);
        if (named != RequestParameters.None)
        {
            return WithTools(named, body);
        }

        if (body.Parameter.Length > 0 && !body.Parameter.Contains("generation_config", StringComparison.Ordinal))
        {
            return RequestParameters.None; // it names something that is not given up
        }

        named = Named(body.Message);
        return body.Message.Contains("both", StringComparison.OrdinalIgnoreCase)
            && named.HasFlag(RequestParameters.Temperature | RequestParameters.TopP)
            ? RequestParameters.TopP // either would do; the host's own temperature stays
            : WithTools(named, body);
    }

    // Not the effort is refused, but any beside tools.
    private static RequestParameters WithTools(RequestParameters named, ErrorBody body) =>
        named.HasFlag(RequestParameters.Effort) && body.Says("tool") ? named | RequestParameters.NoReasoning : named;

    /// <summary>As people and metrics read it: snake case, joined by commas.</summary>
    public static IEnumerable<string> Labels(RequestParameters parameters) =>
        Enum.GetValues<RequestParameters>()
            .Where(parameter => parameter != RequestParameters.None && (parameter & Renamed) == 0
                && parameters.HasFlag(parameter))
            .Select(parameter => parameter switch
            {
                RequestParameters.TopP => "top_p",
                RequestParameters.TopK => "top_k",
                RequestParameters.FrequencyPenalty => "frequency_penalty",
                RequestParameters.PresencePenalty => "presence_penalty",
                RequestParameters.TopLogprobs => "top_logprobs",
                RequestParameters.NoReasoning => "effort",
                _ => parameter.ToString().ToLowerInvariant(),
            })
            .Distinct();

    // Anthropic's older models name the forms of thinking that they know; elsewhere these words are about a value.
    private static bool IsOfAnotherForm(ErrorBody body) =>
        (body.Says("input should be") || body.Says("expected tags"))
        && (body.Says("thinking") || body.Says("adaptive") || body.Says("effort"));

    private static RequestParameters Named(string text)
    {
        RequestParameters found = RequestParameters.None;
        foreach ((string name, RequestParameters parameter) in Names)
        {
            for (int at = text.IndexOf(name, StringComparison.OrdinalIgnoreCase); at >= 0;
                at = text.IndexOf(name, at + 1, StringComparison.OrdinalIgnoreCase))
            {
                if (!IsPartOfWord(text, at - 1) && !IsPartOfWord(text, at + name.Length))
                {
                    found |= parameter;
                }
            }
        }

        return found;
    }

    private static bool IsPartOfWord(string text, int at) =>
        at >= 0 && at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_');
}
