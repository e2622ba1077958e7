using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Streaming;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// A session's embedding generator: batches, limits, retries, and vectors of length 1 whatever the provider sends,
/// because shortened vectors come unnormalised and every comparison here is a dot product.
/// </summary>
internal sealed class ProviderEmbeddingGenerator(
    EmbeddingProtocol protocol, ProviderConnection connection, LimitedCalls calls, EmbeddingBatches batches,
    LlmTelemetry telemetry)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        string model = options?.ModelId ?? protocol.Model;
        int? dimensions = options?.Dimensions ?? protocol.Dimensions;
        var result = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        using var span = new CallSpan(
            telemetry, connection.Time, GenAINames.Embeddings, protocol.TelemetryName, model, protocol.Server);
        var plan = new EmbeddingBatchPlan(texts, batches.LimitOf(protocol, model));
        try
        {
            CallPermit permit = await calls.AcquireAsync(cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
            while (plan.Next() is { } batch)
            {
                List<float[]> vectors;
                long? tokens;
                try
                {
                    (vectors, tokens) = await calls.RunAsync(
                        token => SendAsync(batch, model, dimensions, options, token), cancellationToken)
                        .ConfigureAwait(false);
                }
                catch (LlmException failure) when (plan.IsSmallerAfter(failure.Size))
                {
                    continue;
                }

                plan.Pass();
                foreach (float[] vector in vectors)
                {
                    result.Add(new Embedding<float>(vector) { ModelId = model });
                }

                if (tokens is { } count)
                {
                    result.Usage ??= new UsageDetails();
                    result.Usage.Add(new UsageDetails { InputTokenCount = count, TotalTokenCount = count });
                }
            }

            batches.Learn(protocol, model, plan);
            span.Used(result.Usage);
            return result;
        }
        catch (Exception exception)
        {
            span.Failed(exception);
            throw;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        if (serviceType == typeof(EmbeddingGeneratorMetadata))
        {
            return new EmbeddingGeneratorMetadata(
                protocol.Provider, protocol.Server, protocol.Model, protocol.Dimensions);
        }

        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Nothing to let go: the HTTP client belongs to the host.</summary>
    public void Dispose()
    {
    }

    private async Task<(List<float[]> Vectors, long? Tokens)> SendAsync(
        ArraySegment<string> texts, string model, int? dimensions, EmbeddingGenerationOptions? options,
        CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(body))
        {
            protocol.Write(writer, texts, model, dimensions, options);
        }

        using HttpResponseMessage response = await connection.SendAsync(
            protocol.Provider, protocol.Address(model), body.WrittenMemory, headers =>
                protocol.Sign(headers, calls.Key), cancellationToken)
                .ConfigureAwait(false);
        byte[] answer = await connection.ReadBodyAsync(protocol.Provider, response, cancellationToken)
            .ConfigureAwait(false);
        var vectors = new List<float[]>(texts.Count);
        var additions = new ProtocolAdditions();
        try
        {
            long? tokens = protocol.Read(answer, vectors, additions);
            if (vectors.Count != texts.Count || vectors.Any(vector => vector.Length != vectors[0].Length))
            {
                throw ProtocolException.Malformed("the answer has not one vector of equal length for each text");
            }

            foreach (float[] vector in vectors)
            {
                EmbeddingProtocol.Normalise(vector);
            }

            return (vectors, tokens);
        }
        catch (ProtocolException exception)
        {
            throw connection.Translate(protocol.Provider, exception);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw LlmException.InvalidResponse(protocol.Provider, "the embeddings are not the JSON they should be");
        }
        finally
        {
            connection.Passed(protocol.Provider, additions);
        }
    }
}
