namespace Coach.Llm;

/// <summary>Where Gemini is and which models to use: <c>Coach:Llm:Gemini</c>.</summary>
public sealed class GeminiOptions
{
    /// <summary>The API's address; <c>/v1beta</c> is added unless the address ends in a version.</summary>
    /// <value>An absolute URL without query; Google's public address unless set.</value>
    public Uri BaseUrl { get; set; } = new("https://generativelanguage.googleapis.com");

    /// <summary>The chat model. Also read from <c>GEMINI_MODEL_VERSION</c>.</summary>
    /// <value><c>gemini-3.8-flash</c> unless set.</value>
    public string Model { get; set; } = "gemini-3.8-flash";

    /// <summary>
    /// The embedding model. Another model means another vector space: everything must be embedded again.
    /// </summary>
    /// <value><c>gemini-embedding-001</c> unless set.</value>
    public string EmbeddingModel { get; set; } = "gemini-embedding-001";

    /// <summary>The length of embedding vectors.</summary>
    /// <value>128 to 3,072; 768 unless set.</value>
    public int EmbeddingDimensions { get; set; } = 768;
}
