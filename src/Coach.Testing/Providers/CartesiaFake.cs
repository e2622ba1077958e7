using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>Cartesia's voices and text-to-speech bytes: a short wave file or raw samples, longer for longer
/// text.</summary>
internal static class CartesiaFake
{
    public static FakeReply Answer(FakeCall call)
    {
        if (call.Header("cartesia-version") is null)
        {
            return ProviderErrorBodies.CartesiaError(
                400, "null", "Bad request", "The Cartesia-Version header is required.");
        }

        return (call.Request.Method, call.Request.Path) switch
        {
            ("GET", "/voices") => FakeReply.Json(200,
                """{"data":[{"id":"00000000-0000-4000-8000-000000000001","name":"Fixture","language":"en","access":"public","visibility":"all","is_owner":false,"created_at":"2026-01-01T00:00:00Z"}],"has_more":false}"""),
            ("POST", "/tts/bytes") => Speak(call),
            _ => ProviderErrorBodies.CartesiaError(404, "null", "Not found", "No such route."),
        };
    }

    private static FakeReply Speak(FakeCall call)
    {
        string? transcript = (string?)call.Body?["transcript"];
        var format = call.Body?["output_format"] as JsonObject;
        if (string.IsNullOrWhiteSpace(transcript) || format is null || call.Body!["model_id"] is null
            || call.Body["voice"] is null)
        {
            return ProviderErrorBodies.CartesiaError(400, "null", "Bad request", "model_id, transcript, voice "
                + "and output_format are required.");
        }

        int sampleRate = (int?)format["sample_rate"] ?? 24000;
        byte[] samples = new byte[transcript.Length * 2 * 100];
        for (int i = 0; i < samples.Length; i += 2)
        {
            BinaryPrimitives.WriteInt16LittleEndian(samples.AsSpan(i), (short)(i % 2000 - 1000));
        }

        return (string?)format["container"] == "wav"
            ? FakeReply.Bytes(Wave(samples, sampleRate), "audio/wav")
            : FakeReply.Bytes(samples, "application/octet-stream");
    }

    private static byte[] Wave(byte[] samples, int sampleRate)
    {
        byte[] file = new byte[44 + samples.Length];
        "RIFF"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - 8);
        "WAVEfmt "u8.CopyTo(file.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(20), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(22), 1);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(24), sampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(28), sampleRate * 2);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(32), 2);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(34), 16);
        "data"u8.CopyTo(file.AsSpan(36));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(40), samples.Length);
        samples.CopyTo(file, 44);
        return file;
    }
}
