namespace Coach.Llm;

/// <summary>
/// Where a server that speaks OpenAI's protocol is and which models to use: <c>Coach:Llm:OpenAI</c>,
/// <c>Coach:Llm:OpenRouter</c>, <c>Coach:Llm:OpenAICompatible</c>.
/// </summary>
public sealed class OpenAIOptions
{
    /// <summary>The value of <see cref="Protocol"/> for OpenAI's Responses API: <c>POST /v1/responses</c>.</summary>
    public const string Responses = "responses";

    /// <summary>The value of <see cref="Protocol"/> for chat completions: <c>POST /v1/chat/completions</c>.</summary>
    public const string ChatCompletions = "chat-completions";

    /// <summary>
    /// Which of OpenAI's two chat protocols the server is spoken to in. Chat completions are what nearly every server
    /// knows; OpenAI's newest models take tools together with reasoning in the other only.
    /// </summary>
    /// <value><c>responses</c> or <c>chat-completions</c>. Unless set: <c>responses</c> for <c>openai</c> at
    /// <c>api.openai.com</c>, else <c>chat-completions</c>.</value>
    public string? Protocol { get; set; }

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

    /// <summary>
    /// The <c>input_type</c> of texts that are questions (<c>EmbeddingTask.Query</c>): <c>query</c> for NVIDIA and
    /// Voyage, <c>search_query</c> for Cohere.
    /// </summary>
    /// <value>Not sent unless set.</value>
    public string EmbeddingQueryInputType { get; set; } = "";

    /// <summary>
    /// The <c>input_type</c> of all other texts: <c>passage</c> for NVIDIA, <c>document</c> for Voyage,
    /// <c>search_document</c> for Cohere.
    /// </summary>
    /// <value>Not sent unless set.</value>
    public string EmbeddingDocumentInputType { get; set; } = "";

    /// <summary>
    /// What stands before a text that is a question (<c>EmbeddingTask.Query</c>), such as <c>query: </c> for the E5
    /// models.
    /// </summary>
    /// <value>Nothing unless set.</value>
    public string EmbeddingQueryPrefix { get; set; } = "";

    /// <summary>
    /// What stands before a text to be found (<c>EmbeddingTask.Document</c>), such as <c>passage: </c> for the E5
    /// models.
    /// </summary>
    /// <value>Nothing unless set.</value>
    public string EmbeddingDocumentPrefix { get; set; } = "";
}
