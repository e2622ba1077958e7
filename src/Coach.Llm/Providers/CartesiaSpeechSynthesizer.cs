using System.Buffers;
using System.Text.Json;

namespace Coach.Llm;

/// <summary>Cartesia's <c>POST /tts/bytes</c>.</summary>
internal sealed class CartesiaSpeechSynthesizer(
    CartesiaOptions defaults, ProviderConnection connection, ApiKey key, SessionId session, ResiliencePolicy policy, SessionLimiter limiter) : ISpeechSynthesizer
{
    private const int MaxText = 20_000;
    private static readonly SpeechOptions NoOptions = new();

    public async Task<SpeechAnswer> SynthesizeAsync(string text, SpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        SpeechOptions chosen = options ?? NoOptions;
        if (text.Length > MaxText)
        {
            throw new ArgumentException($"The text has {text.Length} characters; at most {MaxText} can be spoken at once.", nameof(text));
        }

        string voice = chosen.Voice ?? defaults.Voice;
        if (voice.Length == 0)
        {
            throw new ArgumentException("No voice is named. Set Coach:Llm:Cartesia:Voice, or Voice in the request.", nameof(options));
        }

        if (chosen.SampleRate is < 8000 or > 48_000)
        {
            throw new ArgumentException($"The sample rate is {chosen.SampleRate}; it must be between 8000 and 48000.", nameof(options));
        }

        try
        {
            using CallPermit permit = await limiter.AcquireAsync(session, key.Fingerprint, cancellationToken).ConfigureAwait(false);
            using var budget = new CallBudget(policy.Options.TotalTimeout, policy.Time, cancellationToken);
            byte[] audio = await policy.RunAsync(
                token => Attempt.RunAsync(policy, inner => SendAsync(text, voice, chosen, inner), token), budget).ConfigureAwait(false);
            return new SpeechAnswer(text, audio, "audio/wav", null);
        }
        catch (LlmException failure)
        {
            return new SpeechAnswer(text, ReadOnlyMemory<byte>.Empty, "", failure);
        }
    }

    private async Task<byte[]> SendAsync(string text, string voice, SpeechOptions options, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(body))
        {
            Write(writer, text, voice, options);
        }

        string root = defaults.BaseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/');
        using HttpResponseMessage response = await connection.SendAsync(ProviderNames.Cartesia, new Uri(root + "/tts/bytes"), body.WrittenMemory, headers =>
        {
            headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());
            headers.TryAddWithoutValidation("Cartesia-Version", defaults.Version);
        }, cancellationToken).ConfigureAwait(false);
        byte[] audio = await connection.ReadBodyAsync(ProviderNames.Cartesia, response, cancellationToken).ConfigureAwait(false);
        return audio.AsSpan().StartsWith("RIFF"u8)
            ? audio
            : throw connection.Translate(ProviderNames.Cartesia, ProtocolException.Error(audio)); // an error or a page inside a success
    }

    private void Write(Utf8JsonWriter writer, string text, string voice, SpeechOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("model_id", options.Model ?? defaults.Model);
        writer.WriteString("transcript", text);
        writer.WriteStartObject("voice");
        if (string.CompareOrdinal(defaults.Version, "2026-01-01") < 0)
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
