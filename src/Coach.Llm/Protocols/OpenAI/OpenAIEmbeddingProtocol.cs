using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>OpenAI's embeddings and the servers that speak the same.</summary>
internal sealed class OpenAIEmbeddingProtocol(string provider, OpenAIOptions options, string prefix)
    : EmbeddingProtocol(provider, options.EmbeddingModel, options.EmbeddingDimensions, maxBatch: 2048)
{
    private static readonly byte[][] AnswerNames =
        [[.. "object"u8], [.. "model"u8], [.. "id"u8], [.. "created"u8], [.. "provider"u8], [.. "service_tier"u8]];

    private static readonly byte[][] EmbeddingNames = [[.. "object"u8]];

    private int _lastLength;

    /// <summary>OpenAI refuses more (facts of November 2026); others take less, which is found out.</summary>
    public override long MaxBatchTokens => 300_000;

    public override Uri? Server => options.BaseUrl;

    public override Uri Address(string model) => ProviderAddress.Prefixed(
        options.BaseUrl ?? throw new InvalidOperationException(
            $"Provider '{Provider}' has no address. Set its BaseUrl."), prefix, "embeddings");

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());

    public override void Write(
        Utf8JsonWriter writer, ArraySegment<string> texts, string model, int? dimensions,
        EmbeddingGenerationOptions? options)
    {
        writer.WriteStartObject();
        writer.WriteString("model", model);
        writer.WriteStartArray("input");
        EmbeddingTask task = TaskOf(options);
        string prefix = Prefix(task);
        foreach (string text in texts)
        {
            writer.WriteStringValue(prefix.Length == 0 ? text : prefix + text);
        }

        writer.WriteEndArray();
        if (InputType(task) is { Length: > 0 } type)
        {
            writer.WriteString("input_type", type);
        }

        JsonNumbers.Write(writer, "dimensions", dimensions);
        writer.WriteEndObject();
    }

    public override long? Read(ReadOnlySpan<byte> body, List<float[]> vectors, ProtocolAdditions additions)
    {
        var reader = new Utf8JsonReader(body);
        Begin(ref reader, body);
        var read = new List<(long? Index, float[] Vector)>(vectors.Capacity);
        long? tokens = null;
        while (reader.ReadMember())
        {
            if (reader.Is("error"u8))
            {
                ReadError(ref reader, body);
            }
            else if (reader.Is("data"u8))
            {
                ReadData(ref reader, read, additions);
            }
            else if (reader.Is("usage"u8))
            {
                tokens = ReadUsage(ref reader);
            }
            else
            {
                Skip(ref reader, AnswerNames, additions);
            }
        }

        vectors.AddRange(InOrder(read));
        return tokens;
    }

    // What nothing was said of gets no prefix: an index may be full of texts without one.
    private string Prefix(EmbeddingTask task) => task switch
    {
        EmbeddingTask.Query => options.EmbeddingQueryPrefix,
        EmbeddingTask.Document => options.EmbeddingDocumentPrefix,
        _ => "",
    };

    // Models that have types refuse a request without one.
    private string InputType(EmbeddingTask task) =>
        task == EmbeddingTask.Query ? options.EmbeddingQueryInputType : options.EmbeddingDocumentInputType;

    // By their numbers. Servers that number not all, or some alike (as a proxy does that joins several answers), send
    // them in the order of the texts.
    private static IEnumerable<float[]> InOrder(List<(long? Index, float[] Vector)> read)
    {
        if (read.Exists(one => one.Index is null) || read.DistinctBy(one => one.Index).Count() < read.Count)
        {
            return read.Select(one => one.Vector);
        }

        (long? Index, float[] Vector)[] sorted = [.. read.OrderBy(one => one.Index)];
        return sorted.Index().All(one => one.Item.Index == one.Index)
            ? sorted.Select(one => one.Vector)
            : throw ProtocolException.Malformed("the answer has not one embedding for each text");
    }

    private void ReadData(
        ref Utf8JsonReader reader, List<(long? Index, float[] Vector)> read, ProtocolAdditions additions)
    {
        if (!reader.ReadArray())
        {
            return;
        }

        while (LenientJson.NextElement(ref reader))
        {
            if (LenientJson.IsInObject(ref reader))
            {
                ReadOne(ref reader, read, additions);
            }
        }
    }

    private void ReadOne(
        ref Utf8JsonReader reader, List<(long? Index, float[] Vector)> read, ProtocolAdditions additions)
    {
        long? index = null;
        float[]? vector = null;
        while (reader.ReadMember())
        {
            if (reader.Is("embedding"u8))
            {
                vector = ReadVector(ref reader, _lastLength);
                _lastLength = vector.Length;
            }
            else if (reader.Is("index"u8))
            {
                index = reader.ReadNumber();
            }
            else
            {
                Skip(ref reader, EmbeddingNames, additions);
            }
        }

        if (vector is not null)
        {
            read.Add((index, vector));
        }
    }

    private static long? ReadUsage(ref Utf8JsonReader reader)
    {
        long? tokens = null;
        if (!reader.ReadObject())
        {
            return null;
        }

        while (reader.ReadMember())
        {
            if (reader.Is("prompt_tokens"u8))
            {
                tokens = reader.ReadNumber();
            }
            else
            {
                reader.Skip();
            }
        }

        return tokens;
    }
}
