using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>OpenAI's embeddings and the servers that speak the same.</summary>
internal sealed class OpenAIEmbeddingWire(string provider, OpenAIOptions options, string prefix)
    : EmbeddingWire(provider, options.EmbeddingModel, options.EmbeddingDimensions, maxBatch: 2048)
{
    private int _lastLength;

    public override Uri? Server => options.BaseUrl;

    public override Uri Address(string model) => ProviderAddress.Prefixed(
        options.BaseUrl ?? throw new InvalidOperationException($"Provider '{Provider}' has no address. Set its BaseUrl."), prefix, "embeddings");

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());

    public override void Write(Utf8JsonWriter writer, ArraySegment<string> texts, string model, int? dimensions, EmbeddingGenerationOptions? options)
    {
        writer.WriteStartObject();
        writer.WriteString("model", model);
        writer.WriteStartArray("input");
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
        JsonNumbers.Write(writer, "dimensions", dimensions);
        writer.WriteEndObject();
    }

    public override long? Read(ReadOnlySpan<byte> body, List<float[]> vectors)
    {
        var reader = new Utf8JsonReader(body);
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            throw WireException.Error(body);
        }

        var indexed = new SortedDictionary<long, float[]>();
        long? tokens = null;
        bool hasData = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Null)
                {
                    throw WireException.Error(body);
                }
            }
            else if (reader.ValueTextEquals("data"u8))
            {
                hasData = true;
                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    ReadOne(ref reader, indexed);
                }
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.StartObject)
                {
                    tokens = ReadUsage(ref reader);
                }
            }
            else
            {
                reader.Skip();
            }
        }

        if (!hasData || (indexed.Count > 0 && (indexed.Keys.First() != 0 || indexed.Keys.Last() != indexed.Count - 1)))
        {
            throw WireException.Malformed("the answer has not one embedding for each text");
        }

        vectors.AddRange(indexed.Values);
        return tokens;
    }

    private static long? ReadUsage(ref Utf8JsonReader reader)
    {
        long? tokens = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isInput = reader.ValueTextEquals("prompt_tokens"u8);
            reader.Read();
            tokens = isInput && reader.TokenType == JsonTokenType.Number ? reader.GetInt64() : tokens;
            reader.Skip();
        }

        return tokens;
    }

    private void ReadOne(ref Utf8JsonReader reader, SortedDictionary<long, float[]> indexed)
    {
        long index = indexed.Count;
        float[]? vector = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("embedding"u8))
            {
                vector = ReadVector(ref reader, _lastLength);
                _lastLength = vector.Length;
            }
            else if (reader.ValueTextEquals("index"u8))
            {
                reader.Read();
                index = reader.GetInt64();
            }
            else
            {
                reader.Skip();
            }
        }

        if (vector is null || !indexed.TryAdd(index, vector))
        {
            throw WireException.Malformed("an embedding is missing or came twice");
        }
    }
}
