using Microsoft.Extensions.AI;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Coach.Rag;

/// <summary>
/// The registered embedding generator behind limits: a time limit a call, a circuit breaker for questions, retries for passages; and a
/// check of everything it answers.
/// </summary>
internal sealed class EmbeddingArm
{
    private const int MinFailures = 3;
    private static readonly TimeSpan Sampling = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    private readonly IEmbeddingGenerator<string, Embedding<float>>? _generator;
    private readonly CoachRagOptions _options;
    private readonly ResiliencePipeline _question;
    private readonly ResiliencePipeline _passages;
    private readonly CircuitBreakerStateProvider _state = new();
    private readonly AgreementMeter _agreement = new();
    private readonly float _weight;

    public EmbeddingArm(IEmbeddingGenerator<string, Embedding<float>>? generator, EmbeddingSetup setup, CoachRagOptions options, TimeProvider time)
    {
        _generator = generator;
        _options = options;
        _weight = setup.Quality switch
        {
            EmbeddingQuality.Weak => 0.15f,
            EmbeddingQuality.Strong => 0.7f,
            _ => 0.4f,
        };
        Identity = generator is null ? null : setup.Identity ?? NameOf(generator);
        var failures = new PredicateBuilder().Handle<Exception>(e => e is not OperationCanceledException);
        _question = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = failures,
                FailureRatio = 0.5,
                MinimumThroughput = MinFailures,
                SamplingDuration = Sampling,
                BreakDuration = Pause,
                StateProvider = _state,
            })
            .AddTimeout(options.EmbeddingTimeLimit)
            .Build();
        _passages = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = failures,
                MaxRetryAttempts = 3,
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(500),
                UseJitter = true,
            })
            .AddTimeout(options.BatchTimeLimit)
            .Build();
    }

    /// <summary>What the index remembers the embedder by; null when none is registered.</summary>
    public string? Identity { get; }

    public bool IsConfigured => _generator is not null;

    /// <summary>Whether questions are sent to it now.</summary>
    public bool IsOpenForQuestions => IsConfigured && _state.CircuitState is CircuitState.Closed or CircuitState.HalfOpen;

    /// <summary>Its weight in the fusion: what was declared, times how often its first hit is one that BM25 found, too.</summary>
    public float Weight => _weight * _agreement.Trust;

    public void Observe(bool agrees, double chance) => _agreement.Observe(agrees, chance);

    /// <summary>Embeds a question.</summary>
    /// <returns>The vector, or the reason why there is none.</returns>
    public async ValueTask<(float[]? Vector, DegradationReason Reason)> EmbedQuestionAsync(string question, int dimension, CancellationToken cancellationToken)
    {
        try
        {
            float[][] vectors = await _question.ExecuteAsync(
                static (state, token) => state.Arm.CallAsync([state.Question], state.Dimension, token),
                (Arm: this, Question: question, Dimension: dimension), cancellationToken).ConfigureAwait(false);
            return (vectors[0], default);
        }
        catch (TimeoutRejectedException)
        {
            return (null, DegradationReason.EmbeddingTimedOut);
        }
        catch (BrokenCircuitException)
        {
            return (null, DegradationReason.CircuitOpen);
        }
        catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            return (null, DegradationReason.EmbeddingFailed);
        }
    }

    /// <summary>Embeds passages, a batch.</summary>
    /// <exception cref="RagException">The generator failed four times.</exception>
    public async Task<float[][]> EmbedPassagesAsync(IReadOnlyList<string> texts, int? dimension, CancellationToken cancellationToken)
    {
        try
        {
            return await _passages.ExecuteAsync(
                static (state, token) => state.Arm.CallAsync(state.Texts, state.Dimension, token),
                (Arm: this, Texts: texts, Dimension: dimension), cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutRejectedException)
        {
            throw RagException.EmbeddingTimedOut(Identity!, _options.BatchTimeLimit);
        }
        catch (InvalidDataException e)
        {
            throw RagException.EmbeddingFailed(Identity!, e.Message);
        }
        catch (Exception e) when (e is not RagException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw RagException.EmbeddingFailed(Identity!, $"failed ({e.GetType().Name})");
        }
    }

    private async ValueTask<float[][]> CallAsync(IReadOnlyList<string> texts, int? dimension, CancellationToken cancellationToken)
    {
        // A generator that ignores its token must not hold the caller.
        GeneratedEmbeddings<Embedding<float>> answer = await _generator!.GenerateAsync(texts, null, cancellationToken)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        if (answer is null || answer.Count != texts.Count)
        {
            throw new InvalidDataException($"answered with {answer?.Count ?? 0} vectors for {texts.Count} texts");
        }

        var vectors = new float[texts.Count][];
        for (int i = 0; i < vectors.Length; i++)
        {
            ReadOnlySpan<float> vector = answer[i].Vector.Span;
            dimension ??= vector.Length;
            if (vector.Length == 0 || vector.Length != dimension)
            {
                throw new InvalidDataException($"answered with a vector of {vector.Length} components instead of {dimension}");
            }

            float norm = System.Numerics.Tensors.TensorPrimitives.Norm(vector);
            if (!float.IsFinite(norm))
            {
                throw new InvalidDataException("answered with a vector that is not finite");
            }

            vectors[i] = vector.ToArray();
        }

        return vectors;
    }

    private static string NameOf(IEmbeddingGenerator<string, Embedding<float>> generator)
    {
        var metadata = (EmbeddingGeneratorMetadata?)generator.GetService(typeof(EmbeddingGeneratorMetadata));
        string[] parts = [.. new[] { metadata?.ProviderName, metadata?.DefaultModelId, metadata?.DefaultModelDimensions?.ToString(System.Globalization.CultureInfo.InvariantCulture) }
            .OfType<string>().Where(part => part.Length > 0)];
        return parts.Length > 0 ? string.Join('/', parts) : generator.GetType().Name;
    }
}
