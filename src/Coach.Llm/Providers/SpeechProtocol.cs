using System.Net.Http.Headers;
using System.Text.Json;

namespace Coach.Llm.Providers;

/// <summary>One provider's speech protocol: a text in, a WAV file out. Shared by all sessions.</summary>
internal abstract class SpeechProtocol(string provider, string voice)
{
    public string Provider { get; } = provider;

    /// <summary>The voice of requests that name none; may be empty.</summary>
    public string Voice { get; } = voice;

    public abstract Uri Address { get; }

    public abstract void Sign(HttpRequestHeaders headers, ApiKey key);

    public abstract void Write(Utf8JsonWriter writer, string text, string voice, SpeechOptions options);
}
