using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.Cartesia;

/// <summary>Cartesia's <c>POST /tts/bytes</c>.</summary>
internal sealed class CartesiaSpeechProtocol(
    CartesiaOptions defaults) : SpeechProtocol(ProviderNames.Cartesia, defaults.Voice)
{
    /// <summary>Before this version a voice says in which way it is named.</summary>
    private const string WithoutVoiceMode = "2026-01-01";

    public override Uri Address => ProviderAddress.Unversioned(defaults.BaseUrl, "tts/bytes");

    public override void Sign(HttpRequestHeaders headers, ApiKey key)
    {
        headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());
        headers.TryAddWithoutValidation("Cartesia-Version", defaults.Version);
    }

    public override void Write(Utf8JsonWriter writer, string text, string voice, SpeechOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("model_id", options.Model ?? defaults.Model);
        writer.WriteString("transcript", text);
        writer.WriteStartObject("voice");
        if (string.CompareOrdinal(defaults.Version, WithoutVoiceMode) < 0)
        {
            writer.WriteString("mode", "id");
        }

        writer.WriteString("id", voice);
        writer.WriteEndObject();
        if (options.Language is { } language)
        {
            writer.WriteString("language", language);
        }

        writer.WriteStartObject("output_format");
        writer.WriteString("container", "wav");
        writer.WriteString("encoding", "pcm_s16le");
        writer.WriteNumber("sample_rate", options.SampleRate);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
