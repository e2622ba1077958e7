namespace Coach.Llm;

/// <summary>The settings of Coach.Llm: section <c>Coach:Llm</c>.</summary>
public sealed class CoachLlmOptions
{
    /// <summary>Google's Gemini API.</summary>
    public GeminiOptions Gemini { get; set; } = new();

    /// <summary>OpenAI.</summary>
    public OpenAIOptions OpenAI { get; set; } =
        new() { BaseUrl = new Uri("https://api.openai.com/v1"), Model = "gpt-6-luna" };

    /// <summary>Anthropic.</summary>
    public AnthropicOptions Anthropic { get; set; } = new();

    /// <summary>OpenRouter.</summary>
    public OpenAIOptions OpenRouter { get; set; } =
        new() { BaseUrl = new Uri("https://openrouter.ai/api/v1"), Model = "openrouter/auto" };

    /// <summary>
    /// LiteLLM or another server that speaks OpenAI's protocol. Its <c>BaseUrl</c> is also read from
    /// <c>LITELLM_API_BASE</c>.
    /// </summary>
    public OpenAIOptions OpenAICompatible { get; set; } = new() { Model = "gpt-6-luna" };

    /// <summary>Cartesia (speech).</summary>
    public CartesiaOptions Cartesia { get; set; } = new();

    /// <summary>The sampling temperature for requests that do not set one. Also read from <c>TEMPERATURE</c>.</summary>
    /// <value>0 to 2; unset (the provider's own default) unless set.</value>
    public float? Temperature { get; set; }

    /// <summary>
    /// The most tokens of an answer for requests that do not set it. Also read from <c>MAX_OUTPUT_TOKENS</c>.
    /// </summary>
    /// <value>1 to 1,000,000; 2,048 unless set.</value>
    public int MaxOutputTokens { get; set; } = 2048;

    /// <summary>Sessions, their keys and their clients.</summary>
    public LlmSessionOptions Sessions { get; set; } = new();

    /// <summary>Key validation.</summary>
    public KeyValidationOptions Validation { get; set; } = new();

    /// <summary>Time limits, retries and sizes of requests to providers.</summary>
    public LlmRequestOptions Requests { get; set; } = new();

    /// <summary>How often and how many at once a session or a key may call.</summary>
    public LlmLimitOptions Limits { get; set; } = new();

    /// <summary>What telemetry may hold.</summary>
    public LlmTelemetryOptions Telemetry { get; set; } = new();

    /// <summary>
    /// When the answer to a session with keys for several providers comes from the next of them
    /// (<c>SessionChatClients</c>).
    /// </summary>
    public FallbackOptions Fallback { get; set; } = new();

    /// <summary>
    /// Which provider is asked first when a session has keys for several, by name; the rest follow in the order of <see
    /// cref="ProviderNames.All"/>.
    /// </summary>
    /// <value>0 to 64 names; none unless set.</value>
    public IList<string> ChatOrder { get; set; } = [];

    /// <summary>The host's own keys that are being replaced, by provider name.</summary>
    /// <value>None unless set.</value>
    public IDictionary<string, HostKeyRotation> HostKeyRotations { get; } =
        new Dictionary<string, HostKeyRotation>(StringComparer.OrdinalIgnoreCase);

    /// <summary>What could not be read from an environment variable; the check at start reports it.</summary>
    internal List<string> BindingProblems { get; } = [];

    /// <summary>
    /// Conversations kept in this process's memory, where no other <see cref="IChatHistoryStore"/> is registered.
    /// </summary>
    public ChatHistoryOptions History { get; } = new();
}
