namespace Coach.Llm;

/// <summary>
/// Where a server that speaks OpenAI's protocol is and which models to use: <c>Coach:Llm:OpenAI</c>,
/// <c>Coach:Llm:OpenRouter</c>, <c>Coach:Llm:OpenAICompatible</c>.
/// </summary>
public sealed class OpenAIOptions
{
    /// <summary>
    /// The API's address, with its version: <c>https://host/v1</c>. An address without any path gets the usual one
    /// added.
    /// </summary>
    /// <value>An absolute URL without query; the provider's public address unless set, none for
    /// <c>openai-compatible</c>.</value>
    public Uri? BaseUrl { get; set; }

    /// <summary>The chat model.</summary>
    /// <value>Depends on the provider; empty means that each request names its model.</value>
    public string Model { get; set; } = "";

    /// <summary>The embedding model.</summary>
    /// <value><c>text-embedding-3-small</c> unless set.</value>
    public string EmbeddingModel { get; set; } = "text-embedding-3-small";

    /// <summary>The length of embedding vectors.</summary>
    /// <value>1 to 8,192; the model's own length unless set.</value>
    public int? EmbeddingDimensions { get; set; }
}
