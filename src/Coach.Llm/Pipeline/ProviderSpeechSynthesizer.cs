using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Streaming;

namespace Coach.Llm.Pipeline;

/// <summary>A session's speech: limits and retries; a failure leaves the text.</summary>
internal sealed class ProviderSpeechSynthesizer(
    SpeechProtocol protocol, ProviderConnection connection, LimitedCalls calls) : ISpeechSynthesizer
{
    private const int MaxText = 20_000;
    private const int WaveHeader = 44;
    private static readonly SpeechOptions NoOptions = new();

    public async Task<SpeechAnswer> SynthesizeAsync(
        string text, SpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        SpeechOptions chosen = options ?? NoOptions;
        if (text.Length > MaxText)
        {
            throw new ArgumentException(
                $"The text has {text.Length} characters; at most {MaxText} can be spoken at once.", nameof(text));
        }

        string voice = chosen.Voice ?? protocol.Voice;
        if (voice.Length == 0)
        {
            throw new ArgumentException(
                "No voice is named. Set Coach:Llm:Cartesia:Voice, or Voice in the request.", nameof(options));
        }

        if (chosen.SampleRate is < 8000 or > 48_000)
        {
            throw new ArgumentException(
                $"The sample rate is {chosen.SampleRate}; it must be between 8000 and 48000.", nameof(options));
        }

        try
        {
            CallPermit permit = await calls.AcquireAsync(cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
            byte[] audio = await calls.RunAsync(token => SendAsync(text, voice, chosen, token), cancellationToken)
                .ConfigureAwait(false);
            return new SpeechAnswer(text, audio, "audio/wav", null);
        }
        catch (LlmException failure)
        {
            return new SpeechAnswer(text, ReadOnlyMemory<byte>.Empty, "", failure);
        }
    }

    private async Task<byte[]> SendAsync(
        string text, string voice, SpeechOptions options, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(body))
        {
            protocol.Write(writer, text, voice, options);
        }

        using HttpResponseMessage response = await connection.SendAsync(
            protocol.Provider, protocol.Address, body.WrittenMemory, headers =>
                protocol.Sign(headers, calls.Key), cancellationToken)
            .ConfigureAwait(false);
        byte[] audio = await connection.ReadBodyAsync(protocol.Provider, response, cancellationToken)
            .ConfigureAwait(false);
        if (!audio.AsSpan().StartsWith("RIFF"u8))
        {
            // an error or a page inside a success
            throw connection.Translate(protocol.Provider, ProtocolException.Error(audio));
        }

        return audio.Length > WaveHeader
            ? audio
            : throw LlmException.InvalidResponse(protocol.Provider, "a sound file without any sound");
    }
}
