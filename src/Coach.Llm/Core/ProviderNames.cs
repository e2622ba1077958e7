namespace Coach.Llm;

/// <summary>The names of the providers that Coach knows. Any other name can be added with <c>AddProvider</c>.</summary>
public static class ProviderNames
{
    /// <summary>Google's Gemini API (AI Studio keys).</summary>
    public const string Gemini = "gemini";

    /// <summary>OpenAI.</summary>
    public const string OpenAI = "openai";

    /// <summary>Anthropic.</summary>
    public const string Anthropic = "anthropic";

    /// <summary>OpenRouter.</summary>
    public const string OpenRouter = "openrouter";

    /// <summary>LiteLLM and every other server that speaks OpenAI's protocol; needs a base URL.</summary>
    public const string OpenAICompatible = "openai-compatible";

    /// <summary>Cartesia (speech).</summary>
    public const string Cartesia = "cartesia";

    /// <summary>The name under which answers of mock mode are labelled. It takes no key.</summary>
    public const string Mock = "mock";

    /// <summary>The six providers that take a key, in the order of this page.</summary>
    public static IReadOnlyList<string> All { get; } =
        [Gemini, OpenAI, Anthropic, OpenRouter, OpenAICompatible, Cartesia];

    /// <summary>The name as metrics write it: from a closed set, whatever hosts add.</summary>
    internal static string LabelOf(string provider) => provider switch
    {
        Gemini or OpenAI or Anthropic or OpenRouter or OpenAICompatible or Cartesia or Mock => provider,
        "" => "none",
        _ => "other",
    };
}
