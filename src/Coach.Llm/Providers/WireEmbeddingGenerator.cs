using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// A session's embedding generator: batches, limits, retries, and vectors of length 1 whatever the provider sends, because
/// shortened vectors come unnormalised and every comparison here is a dot product.
/// </summary>
internal sealed class WireEmbeddingGenerator(
    EmbeddingWire wire, ProviderConnection connection, ApiKey key, SessionId session, CallPolicy policy, SessionLimiter limiter, LlmTelemetry telemetry)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        string model = options?.ModelId ?? wire.Model;
        int? dimensions = options?.Dimensions ?? wire.Dimensions;
        var result = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        using var span = new CallSpan(telemetry, connection.Time, GenAINames.Embeddings, wire.Provider, model, wire.Server);
        try
        {
            using CallPermit permit = await limiter.AcquireAsync(session, key.Fingerprint, cancellationToken).ConfigureAwait(false);
            for (int start = 0; start < texts.Length; start += wire.MaxBatch)
            {
                var batch = new ArraySegment<string>(texts, start, Math.Min(wire.MaxBatch, texts.Length - start));
                using var budget = new CallBudget(policy.Options.TotalTimeout, policy.Time, cancellationToken);
                (List<float[]> vectors, long? tokens) = await policy.RunAsync(
                    token => Attempt.RunAsync(policy, inner => SendAsync(batch, model, dimensions, options, inner), token), budget).ConfigureAwait(false);
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
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata)
                ? new EmbeddingGeneratorMetadata(wire.Provider, wire.Server, wire.Model, wire.Dimensions)
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Nothing to let go: the HTTP client belongs to the host.</summary>
    public void Dispose()
    {
    }

    private async Task<(List<float[]> Vectors, long? Tokens)> SendAsync(
        ArraySegment<string> texts, string model, int? dimensions, EmbeddingGenerationOptions? options, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(body))
        {
            wire.Write(writer, texts, model, dimensions, options);
        }

        using HttpResponseMessage response = await connection.SendAsync(
            wire.Provider, wire.Address(model), body.WrittenMemory, headers => wire.Sign(headers, key), cancellationToken).ConfigureAwait(false);
        byte[] answer = await connection.ReadBodyAsync(wire.Provider, response, cancellationToken).ConfigureAwait(false);
        var vectors = new List<float[]>(texts.Count);
        var additions = new ProtocolAdditions();
        try
        {
            long? tokens = wire.Read(answer, vectors, additions);
            if (vectors.Count != texts.Count || vectors.Any(vector => vector.Length != vectors[0].Length))
            {
                throw WireException.Malformed("the answer has not one vector of equal length for each text");
            }

            foreach (float[] vector in vectors)
            {
                Normalise(vector);
            }

            return (vectors, tokens);
        }
        catch (WireException exception)
        {
            throw connection.Translate(wire.Provider, exception);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw LlmException.InvalidResponse(wire.Provider, "the embeddings are not the JSON they should be");
        }
        finally
        {
            connection.Passed(wire.Provider, additions);
        }
    }

    private static void Normalise(float[] vector)
    {
        double sum = 0;
        foreach (float value in vector)
        {
            sum += (double)value * value;
        }

        if (!double.IsFinite(sum) || sum == 0)
        {
            throw WireException.Malformed("a vector has no direction");
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
}
