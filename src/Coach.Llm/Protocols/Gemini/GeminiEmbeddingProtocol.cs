using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>Gemini's batchEmbedContents.</summary>
internal sealed class GeminiEmbeddingProtocol(GeminiOptions options)
    : EmbeddingProtocol(ProviderNames.Gemini, options.EmbeddingModel, options.EmbeddingDimensions, maxBatch: 100)
{
    private static readonly byte[][] AnswerNames = [[.. "usageMetadata"u8]];

    private static readonly byte[][] EmbeddingNames = [[.. "shape"u8], [.. "statistics"u8]];

    private int _lastLength;

    public override string TelemetryName => "gcp.gemini";

    public override Uri Server => options.BaseUrl;

    public override Uri Address(string model) =>
        ProviderAddress.Versioned(
            options.BaseUrl, "v1beta", $"models/{Uri.EscapeDataString(Bare(model))}:batchEmbedContents");

    // What an index was filled with before tasks were told apart: a text to be found.
    private static string TaskType(EmbeddingTask task) => task switch
    {
        EmbeddingTask.Query => "RETRIEVAL_QUERY",
        EmbeddingTask.Similarity => "SEMANTIC_SIMILARITY",
        _ => "RETRIEVAL_DOCUMENT",
    };

    // From gemini-embedding-2 on the task stands before the text (Gemini API, "Embeddings", November 2026).
    private static string Prefix(EmbeddingTask task) => task switch
    {
        EmbeddingTask.Query => "task: search result | query: ",
        EmbeddingTask.Document => "title: none | text: ",
        EmbeddingTask.Similarity => "task: sentence similarity | query: ",
        _ => "",
    };

    private static bool TakesTaskTypes(string model) =>
        !Bare(model).StartsWith("gemini-embedding-", StringComparison.Ordinal)
        || Bare(model).StartsWith("gemini-embedding-001", StringComparison.Ordinal)
        || Bare(model).StartsWith("gemini-embedding-exp", StringComparison.Ordinal);

    private static string Bare(string model) =>
        model.StartsWith("models/", StringComparison.Ordinal) ? model["models/".Length..] : model;

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("x-goog-api-key", key.Secret.Reveal());

    public override void Write(
        Utf8JsonWriter writer, ArraySegment<string> texts, string model, int? dimensions,
        EmbeddingGenerationOptions? options)
    {
        EmbeddingTask task = TaskOf(options);
        bool takesTaskTypes = TakesTaskTypes(model);
        string prefix = takesTaskTypes ? "" : Prefix(task);
        writer.WriteStartObject();
        writer.WriteStartArray("requests");
        foreach (string text in texts)
        {
            writer.WriteStartObject();
            writer.WriteString("model", "models/" + Bare(model));
            writer.WriteStartObject("content");
            writer.WriteStartArray("parts");
            writer.WriteStartObject();
            writer.WriteString("text", prefix.Length == 0 ? text : prefix + text);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            if (takesTaskTypes)
            {
                writer.WriteString("taskType", TaskType(task));
            }

            JsonNumbers.Write(writer, "outputDimensionality", dimensions);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public override long? Read(ReadOnlySpan<byte> body, List<float[]> vectors, ProtocolAdditions additions)
    {
        var reader = new Utf8JsonReader(body);
        Begin(ref reader, body);
        while (reader.ReadMember())
        {
            if (reader.Is("error"u8))
            {
                ReadError(ref reader, body);
            }
            else if (!reader.Is("embeddings"u8))
            {
                Skip(ref reader, AnswerNames, additions);
            }
            else if (reader.ReadArray())
            {
                while (LenientJson.NextElement(ref reader))
                {
                    ReadOne(ref reader, vectors, additions);
                }
            }
        }

        return null;
    }

    private void ReadOne(ref Utf8JsonReader reader, List<float[]> vectors, ProtocolAdditions additions)
    {
        if (!LenientJson.IsInObject(ref reader))
        {
            return;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("values"u8))
            {
                float[] vector = ReadVector(ref reader, _lastLength);
                _lastLength = vector.Length;
                vectors.Add(vector);
            }
            else
            {
                Skip(ref reader, EmbeddingNames, additions);
            }
        }
    }
}
