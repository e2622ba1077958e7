using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>One provider's embedding protocol. Shared by all sessions.</summary>
internal abstract class EmbeddingProtocol(string provider, string model, int? dimensions, int maxBatch)
{
    public string Provider { get; } = provider;

    /// <summary>As <see cref="ChatProtocol.TelemetryName"/>.</summary>
    public virtual string TelemetryName => Provider;

    public string Model { get; } = model;

    public int? Dimensions { get; } = dimensions;

    /// <summary>The most texts of one request.</summary>
    public int MaxBatch { get; } = maxBatch;

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

    /// <summary>Reads the array of numbers the reader stands before.</summary>
    protected static float[] ReadVector(ref Utf8JsonReader reader, int expected)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw ProtocolException.Malformed("an embedding is not an array");
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
}
