namespace Coach.Llm;

/// <summary>Where Anthropic's API is and which model to use: <c>Coach:Llm:Anthropic</c>.</summary>
public sealed class AnthropicOptions
{
    /// <summary>The API's address; <c>/v1</c> is added unless the address ends in a version.</summary>
    /// <value>An absolute URL without query; Anthropic's public address unless set.</value>
    public Uri BaseUrl { get; set; } = new("https://api.anthropic.com");

    /// <summary>The chat model.</summary>
    /// <value><c>claude-haiku-5-5</c> unless set.</value>
    public string Model { get; set; } = "claude-haiku-5-5";

    /// <summary>The value of the <c>anthropic-version</c> header.</summary>
    /// <value><c>2023-06-01</c> unless set.</value>
    public string Version { get; set; } = "2023-06-01";
}
