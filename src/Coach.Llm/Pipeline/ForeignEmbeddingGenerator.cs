using System.Runtime.CompilerServices;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Llm.Sessions;
using Coach.Llm.Streaming;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// An embedding generator that the host brought, with what Coach's own has: limits, telemetry, Coach's failures, and
/// vectors of length 1. Batches are its own affair.
/// </summary>
internal sealed class ForeignEmbeddingGenerator(
    IEmbeddingGenerator<string, Embedding<float>> inner, string provider, ForeignFailures failures, LimitedCalls calls,
    ProviderConnection connection, LlmTelemetry telemetry)
    : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner), IOwnedClient
{
    private readonly EmbeddingGeneratorMetadata? _metadata =
        inner.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;

    public object Owned => InnerGenerator;

    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        string model = options?.ModelId ?? _metadata?.DefaultModelId ?? "";
        using var span = new CallSpan(
            telemetry, connection.Time, GenAINames.Embeddings, provider, model, _metadata?.ProviderUri);
        try
        {
            CallPermit permit = await calls.AcquireAsync(cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
            GeneratedEmbeddings<Embedding<float>> result = await calls.RunAsync(
                token => AskAsync(texts, options, token), cancellationToken).ConfigureAwait(false);
            span.Used(result.Usage);
            return result;
        }
        catch (Exception exception)
        {
            span.Failed(exception);
            throw;
        }
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> AskAsync(
        string[] texts, EmbeddingGenerationOptions? options, CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> result = await failures.RunAsync(
            token => InnerGenerator.GenerateAsync(texts, options, token), cancellationToken).ConfigureAwait(false);
        try
        {
            if (result.Count != texts.Length)
            {
                throw ProtocolException.Malformed("the answer has not one vector for each text");
            }

            for (int i = 0; i < result.Count; i++)
            {
                float[] vector = result[i].Vector.ToArray();
                EmbeddingProtocol.Normalise(vector);
                result[i] = new Embedding<float>(vector)
                {
                    ModelId = result[i].ModelId,
                    CreatedAt = result[i].CreatedAt,
                    AdditionalProperties = result[i].AdditionalProperties,
                };
            }

            return result;
        }
        catch (ProtocolException exception)
        {
            throw connection.Translate(provider, exception);
        }
    }
}
