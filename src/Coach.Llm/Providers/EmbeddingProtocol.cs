using System.Buffers.Binary;
using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>One provider's embedding protocol. Shared by all sessions.</summary>
internal abstract class EmbeddingProtocol(string provider, string model, int? dimensions, int maxBatch)
{
    private const float MaxFloat = 1e6f; // no embedding's number comes near

    public string Provider { get; } = provider;

    /// <summary>As <see cref="ChatProtocol.TelemetryName"/>.</summary>
    public virtual string TelemetryName => Provider;

    public string Model { get; } = model;

    public int? Dimensions { get; } = dimensions;

    /// <summary>The most texts of one request.</summary>
    public int MaxBatch { get; } = maxBatch;

    /// <summary>The most tokens of one request; no limit but those that are found out unless told.</summary>
    public virtual long MaxBatchTokens => long.MaxValue;

    public abstract Uri? Server { get; }

    public abstract Uri Address(string model);

    public abstract void Sign(HttpRequestHeaders headers, ApiKey key);

    public abstract void Write(
        Utf8JsonWriter writer, ArraySegment<string> texts, string model, int? dimensions,
        EmbeddingGenerationOptions? options);

    /// <summary>
    /// Reads vectors in the order of the texts; returns the input tokens, if the provider counts them.
    /// </summary>
    /// <exception cref="ProtocolException">Incomplete or an error.</exception>
    /// <exception cref="JsonException">No JSON.</exception>
    public abstract long? Read(ReadOnlySpan<byte> body, List<float[]> vectors, ProtocolAdditions additions);

    /// <summary>Goes into the answer's object.</summary>
    /// <exception cref="ProtocolException">There is none.</exception>
    protected static void Begin(ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw ProtocolException.Error(body); // errors of some gateways come wrapped in an array
        }
    }

    /// <summary>Reads the value of the <c>error</c> member the reader stands on.</summary>
    /// <exception cref="ProtocolException">It says something.</exception>
    protected static void ReadError(ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
    {
        reader.Read();
        if (LenientJson.SaysSomething(reader))
        {
            throw ProtocolException.Error(body);
        }

        reader.Skip();
    }

    protected static void Skip(ref Utf8JsonReader reader, byte[][] known, ProtocolAdditions additions)
    {
        if (!LenientJson.IsAnyOf(ref reader, known))
        {
            additions.Field();
        }

        reader.Skip();
    }

    /// <summary>What the texts of a request are for.</summary>
    protected static EmbeddingTask TaskOf(EmbeddingGenerationOptions? options)
    {
        object? value = null;
        options?.AdditionalProperties?.TryGetValue(EmbeddingTaskProperty.Name, out value);
        return value is EmbeddingTask task ? task : EmbeddingTask.Unspecified;
    }

    /// <summary>
    /// Reads the vector the reader stands before: an array of numbers, also one alone within another array, or base64
    /// of little-endian 32-bit floats, which proxies send unasked; or of bytes with a sign, which Perplexity sends and
    /// which can be told because they make no sense as floats.
    /// </summary>
    protected static float[] ReadVector(ref Utf8JsonReader reader, int expected)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return ReadBase64(ref reader);
        }

        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw ProtocolException.Malformed("an embedding is not an array");
        }

        Utf8JsonReader ahead = reader;
        if (ahead.Read() && ahead.TokenType is JsonTokenType.StartArray or JsonTokenType.String)
        {
            float[] inner = ReadVector(ref reader, expected);
            return reader.Read() && reader.TokenType == JsonTokenType.EndArray
                ? inner
                : throw ProtocolException.Malformed("an embedding is more than one vector");
        }

        float[] values = new float[expected > 0 ? expected : 768];
        int count = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (count == values.Length)
            {
                Array.Resize(ref values, count * 2);
            }

            values[count++] = reader.GetSingle();
        }

        if (reader.TokenType != JsonTokenType.EndArray || count == 0)
        {
            throw ProtocolException.Malformed("an embedding is not an array of numbers");
        }

        return count == values.Length ? values : values[..count];
    }

    /// <summary>Gives a vector the length 1: every comparison here is a dot product.</summary>
    /// <exception cref="ProtocolException">It has no direction.</exception>
    public static void Normalise(float[] vector)
    {
        double sum = 0;
        foreach (float value in vector)
        {
            sum += (double)value * value;
        }

        if (!double.IsFinite(sum) || sum == 0)
        {
            throw ProtocolException.Malformed("a vector has no direction");
        }

        if (Math.Abs(sum - 1) > 1e-5)
        {
            float scale = (float)(1 / Math.Sqrt(sum));
            for (int i = 0; i < vector.Length; i++)
            {
                vector[i] *= scale;
            }
        }
    }

    private static float[] ReadBase64(ref Utf8JsonReader reader)
    {
        if (!reader.TryGetBytesFromBase64(out byte[]? bytes) || bytes.Length == 0 || bytes.Length % sizeof(float) != 0)
        {
            throw ProtocolException.Malformed("an embedding is a text but not base64 of 32-bit floats");
        }

        float[] values = new float[bytes.Length / sizeof(float)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * sizeof(float)));
        }

        return Array.TrueForAll(values, value => float.IsFinite(value) && Math.Abs(value) < MaxFloat)
            ? values
            : [.. bytes.Select(value => (float)(sbyte)value)];
    }
}
