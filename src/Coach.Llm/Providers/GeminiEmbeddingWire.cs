using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Gemini's batchEmbedContents.</summary>
internal sealed class GeminiEmbeddingWire(GeminiOptions options)
    : EmbeddingWire(ProviderNames.Gemini, options.EmbeddingModel, options.EmbeddingDimensions, maxBatch: 100)
{
    private int _lastLength;

    public override Uri Server => options.BaseUrl;

    public override Uri Address(string model) =>
        ProviderAddress.Versioned(options.BaseUrl, "v1beta", $"models/{Uri.EscapeDataString(Bare(model))}:batchEmbedContents");

    private static string Bare(string model) => model.StartsWith("models/", StringComparison.Ordinal) ? model["models/".Length..] : model;

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("x-goog-api-key", key.Secret.Reveal());

    public override void Write(Utf8JsonWriter writer, ArraySegment<string> texts, string model, int? dimensions, EmbeddingGenerationOptions? options)
    {
        string task = options?.AdditionalProperties?.TryGetValue(EmbeddingTask.PropertyName, out object? value) == true && value is string named
            ? named
            : EmbeddingTask.Document;
        writer.WriteStartObject();
        writer.WriteStartArray("requests");
        foreach (string text in texts)
        {
            writer.WriteStartObject();
            writer.WriteString("model", "models/" + Bare(model));
            writer.WriteStartObject("content");
            writer.WriteStartArray("parts");
            writer.WriteStartObject();
            writer.WriteString("text", text);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteString("taskType", task);
            JsonNumbers.Write(writer, "outputDimensionality", dimensions);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
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

        bool hasEmbeddings = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("error"u8))
            {
                throw WireException.Error(body);
            }

            if (!reader.ValueTextEquals("embeddings"u8))
            {
                reader.Skip();
                continue;
            }

            hasEmbeddings = true;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadOne(ref reader, vectors);
            }
        }

        return hasEmbeddings ? null : throw WireException.Malformed("the answer has no embeddings");
    }

    private void ReadOne(ref Utf8JsonReader reader, List<float[]> vectors)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("values"u8))
            {
                float[] vector = ReadVector(ref reader, _lastLength);
                _lastLength = vector.Length;
                vectors.Add(vector);
            }
            else
            {
                reader.Skip();
            }
        }
    }
}
