namespace Coach.Llm;

/// <summary>Where Cartesia's API is and which model and voice to use: <c>Coach:Llm:Cartesia</c>.</summary>
public sealed class CartesiaOptions
{
    /// <summary>The API's address.</summary>
    /// <value>An absolute URL without query; Cartesia's public address unless set.</value>
    public Uri BaseUrl { get; set; } = new("https://api.cartesia.ai");

    /// <summary>The speech model.</summary>
    /// <value><c>sonic-3</c> unless set.</value>
    public string Model { get; set; } = "sonic-3";

    /// <summary>The id of the voice.</summary>
    /// <value>Empty means that each request names its voice.</value>
    public string Voice { get; set; } = "";

    /// <summary>The value of the <c>Cartesia-Version</c> header. Structured errors need 2026-03-01 or newer.</summary>
    /// <value><c>2026-03-01</c> unless set.</value>
    public string Version { get; set; } = "2026-03-01";
}
