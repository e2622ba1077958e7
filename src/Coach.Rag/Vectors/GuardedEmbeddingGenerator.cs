using System.Numerics.Tensors;
using Coach.Abstractions;
using Coach.Rag.Analysis;
using Microsoft.Extensions.AI;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Coach.Rag.Vectors;

/// <summary>
/// The registered embedding generator behind limits: a time limit a call, a circuit breaker for questions, retries for
/// passages, a bulkhead for both; and a check of everything it answers. It runs on the pool, because one that works
/// synchronously would hold its caller past every limit; calls that were given up count in the bulkhead until they end.
/// </summary>
internal sealed class GuardedEmbeddingGenerator : IDisposable
{
    private const int MinFailures = 3;
    private const int PassageRetries = 3;
    private const double FailureRatio = 0.5;
    private const double MostWeight = 0.5;
    private const float ForeignShare = 0.35f;
    private const int ManyPassages = 1000;
    private const double FewPassagesDrop = 0.12;
    private static readonly TimeSpan Sampling = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly int QuestionThreads = Math.Max(4, Environment.ProcessorCount);
    private static readonly ResiliencePropertyKey<TimeSpan> Limit = new("Coach.Rag.Limit");

    private readonly IEmbeddingGenerator<string, Embedding<float>>? _generator;
    private readonly CoachRagOptions _options;
    private readonly TimeProvider _time;
    private readonly string _index;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _questionThreads = new(QuestionThreads);
    private readonly SemaphoreSlim _passageThreads;
    private readonly ResiliencePipeline _question;
    private readonly ResiliencePipeline _passages;
    private readonly CircuitBreakerStateProvider _circuit = new();
    private readonly EmbedderAgreementTracker _agreement = new();
    private readonly EmbedderProfile _profile;
    private readonly SharedVectors? _shared;
    private DimensionMismatch? _mismatch;
    private bool _isDisposed;

    public GuardedEmbeddingGenerator(
        IEmbeddingGenerator<string, Embedding<float>>? generator,
        EmbeddingRegistration registration,
        CoachRagOptions options,
        TimeProvider time,
        string index,
        IEmbeddingCache? cache = null)
    {
        _generator = generator;
        _options = options;
        _time = time;
        _index = index;
        _passageThreads = new SemaphoreSlim(options.EmbeddingParallelism);
        _profile = (EmbedderProfile?)generator?.GetService(typeof(EmbedderProfile)) ?? new EmbedderProfile();
        Identity = generator is null
            ? null
            : EmbedderIdentity.WithPurpose(
                registration.Identity ?? EmbedderIdentity.Of(generator), generator, options);
        _shared = cache is null || Identity is null
            ? null
            : new SharedVectors(cache, Identity, options.BatchTimeLimit * (PassageRetries + 1), time);
        _question = CreateQuestionPipeline();
        _passages = CreatePassagePipeline();
    }

    /// <summary>What the index remembers the embedder by; null when none is registered.</summary>
    public string? Identity { get; }

    /// <summary>How it counts tokens; null when it does not say.</summary>
    public ITokenCounter? TokenCounter => (ITokenCounter?)_generator?.GetService(typeof(ITokenCounter));

    /// <summary>Whether a generator is registered.</summary>
    public bool IsConfigured => _generator is not null;

    /// <summary>Whether questions are sent to it now.</summary>
    public bool IsOpenForQuestions => IsConfigured
        && Mismatch is null
        && _circuit.CircuitState is CircuitState.Closed or CircuitState.HalfOpen;

    /// <summary>
    /// What is wrong with an answer whose dimension is not the index's; null when the last one fitted.
    /// </summary>
    public string? Mismatch => Volatile.Read(ref _mismatch)?.Message;

    /// <summary>Whether the encoder knows the language of a question.</summary>
    public bool Understands(string question) => !_profile.IsEnglishOnly || LanguageGuess.IsEnglish(question);

    /// <summary>
    /// Its weight in the fusion for a question: what it may weigh, times how far it agrees with the other methods.
    /// </summary>
    public float WeightFor(string question) =>
        (float)Math.Clamp(_profile.MaxWeight, 0, MostWeight)
        * _agreement.Trust
        * (Understands(question) ? 1 : ForeignShare);

    /// <summary>
    /// The cosine below which nothing answers a question in a language that the encoder knows; null where it was not
    /// measured.
    /// </summary>
    /// <param name="passages">
    /// How many passages there are: the nearest of few is not as near as that of many, of what belongs as of what does
    /// not. A floor that was set holds as it is.
    /// </param>
    public double? FloorFor(int passages)
    {
        double missing = 1 - Math.Min(1, Math.Log(1 + passages) / Math.Log(1 + ManyPassages));
        return _options.MinSimilarity ?? (_profile.Floor - (FewPassagesDrop * missing));
    }

    /// <summary>The cosine of each text to a question, under the limits of a question; null when it fails.</summary>
    public async ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        ResilienceContext context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Limit, _options.EmbeddingTimeLimit);
        try
        {
            return await _question.ExecuteAsync(
                static (context, call) => call.Self.CompareCoreAsync(
                    call.Question, call.Texts, context.CancellationToken),
                context,
                (Self: this, Question: question, Texts: texts)).ConfigureAwait(false);
        }
        catch (Exception e) when (!IsCallersCancellation(e, cancellationToken))
        {
            return null;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask<IReadOnlyList<float>> CompareCoreAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        float[] asked = (await CallAsync([question], null, EmbeddingTask.Query, cancellationToken)
            .ConfigureAwait(false))[0];
        float[][] said = await CallAsync(texts, asked.Length, EmbeddingTask.Document, cancellationToken)
            .ConfigureAwait(false);
        return [.. said.Select(vector => Cosine(asked, vector))];
    }

    // A text of no known word is a vector of zeros, and near to nothing.
    private static float Cosine(float[] left, float[] right)
    {
        float cosine = TensorPrimitives.CosineSimilarity<float>(left, right);
        return float.IsNaN(cosine) ? 0 : cosine;
    }

    /// <summary>Notes what share of its nearest rows others rank high, too, and what share chance gives.</summary>
    public void Observe(double share, double chance) => _agreement.Observe(share, chance);

    /// <summary>Embeds a question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="dimension">The dimension of the index's vectors.</param>
    /// <param name="limit">The longest that it may take; more than zero. Its own time limit holds, too.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <returns>The vector, or the reason why there is none.</returns>
    public async ValueTask<(float[]? Vector, DegradationReason Reason)> EmbedQuestionAsync(
        string question, int dimension, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _mismatch) is { } known
            && known.Stored == dimension
            && _time.GetElapsedTime(known.At) < Pause)
        {
            return (null, DegradationReason.EmbedderMismatch);
        }

        ResilienceContext context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Limit, limit < _options.EmbeddingTimeLimit ? limit : _options.EmbeddingTimeLimit);
        try
        {
            float[][] vectors = await _question.ExecuteAsync(
                static (context, call) => call.Self.CallAsync(
                    [call.Question], call.Dimension, EmbeddingTask.Query, context.CancellationToken),
                context,
                (Self: this, Question: question, Dimension: dimension)).ConfigureAwait(false);
            Volatile.Write(ref _mismatch, null);
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
        catch (RagException e) when (e.Error == RagError.EmbedderMismatch)
        {
            Volatile.Write(ref _mismatch, new DimensionMismatch(dimension, _time.GetTimestamp(), e.Message));
            return (null, DegradationReason.EmbedderMismatch);
        }
        catch (Exception e) when (!IsCallersCancellation(e, cancellationToken))
        {
            return (null, IsTimeout(e) ? DegradationReason.EmbeddingTimedOut : DegradationReason.EmbeddingFailed);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Embeds passages, a batch.</summary>
    /// <exception cref="RagException">The generator failed four times, or answers with another dimension.</exception>
    public Task<float[][]> EmbedPassagesAsync(
        IReadOnlyList<string> texts, int? dimension, CancellationToken cancellationToken) => _shared is null
        ? AskForPassagesAsync(texts, dimension, cancellationToken)
        : _shared.GetAsync(
            texts, dimension, (missing, token) => AskForPassagesAsync(missing, dimension, token), cancellationToken);

    private async Task<float[][]> AskForPassagesAsync(
        IReadOnlyList<string> texts, int? dimension, CancellationToken cancellationToken)
    {
        try
        {
            float[][] vectors = await _passages.ExecuteAsync(
                static (call, token) =>
                    call.Self.CallAsync(call.Texts, call.Dimension, EmbeddingTask.Document, token),
                (Self: this, Texts: texts, Dimension: dimension),
                cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _mismatch, null);
            return vectors;
        }
        catch (TimeoutRejectedException)
        {
            throw RagException.EmbeddingTimedOut(Identity!, _options.BatchTimeLimit);
        }
        catch (InvalidDataException e)
        {
            throw RagException.EmbeddingFailed(Identity!, e.Message);
        }
        catch (Exception e) when (e is not RagException && !IsCallersCancellation(e, cancellationToken))
        {
            throw RagException.EmbeddingFailed(Identity!, $"failed ({e.GetType().Name})");
        }
    }

    /// <summary>
    /// Frees the bulkheads. Calls that still hold a thread end by themselves; the generator is its owner's to dispose.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _questionThreads.Dispose();
                _passageThreads.Dispose();
            }
        }
    }

    private ResiliencePipeline CreateQuestionPipeline() => new ResiliencePipelineBuilder { TimeProvider = _time }
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            ShouldHandle = static args => ValueTask.FromResult(IsFailure(args.Outcome.Exception, args.Context)),
            FailureRatio = FailureRatio,
            MinimumThroughput = MinFailures,
            SamplingDuration = Sampling,
            BreakDuration = Pause,
            StateProvider = _circuit,
        })
        .AddTimeout(new TimeoutStrategyOptions
        {
            TimeoutGenerator = static args =>
                ValueTask.FromResult(args.Context.Properties.GetValue(Limit, Timeout.InfiniteTimeSpan)),
        })
        .Build();

    private ResiliencePipeline CreatePassagePipeline() => new ResiliencePipelineBuilder { TimeProvider = _time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = static args => ValueTask.FromResult(IsFailure(args.Outcome.Exception, args.Context)),
            MaxRetryAttempts = PassageRetries,
            BackoffType = DelayBackoffType.Exponential,
            Delay = FirstRetry,
            UseJitter = true,
        })
        .AddTimeout(_options.BatchTimeLimit)
        .Build();

    private async ValueTask<float[][]> CallAsync(
        IReadOnlyList<string> texts, int? dimension, EmbeddingTask task, CancellationToken cancellationToken)
    {
        SemaphoreSlim threads = task == EmbeddingTask.Query ? _questionThreads : _passageThreads;
        string prefix = task == EmbeddingTask.Query ? _options.QueryPrefix : _options.DocumentPrefix;
        IEnumerable<string> asked = prefix.Length == 0 ? texts : texts.Select(text => prefix + text).ToArray();
        var options =
            new EmbeddingGenerationOptions { AdditionalProperties = new() { [EmbeddingTaskProperty.Name] = task } };

        // A generator that ignores its token must not hold the caller; it holds its place until it gives the thread
        // back.
        await threads.WaitAsync(cancellationToken).ConfigureAwait(false);
        Task<GeneratedEmbeddings<Embedding<float>>> call = Task.Run(
            () =>
            {
                try
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    return _generator!.GenerateAsync(asked, options, cancellationToken);
                }
                finally
                {
                    Release(threads);
                }
            },
            CancellationToken.None);
        return Check(await call.WaitAsync(cancellationToken).ConfigureAwait(false), texts.Count, dimension);
    }

    // A call that was given up may end after the bulkhead was disposed.
    private void Release(SemaphoreSlim threads)
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                threads.Release();
            }
        }
    }

    private float[][] Check(GeneratedEmbeddings<Embedding<float>>? answer, int count, int? dimension)
    {
        if (answer is null || answer.Count != count)
        {
            throw new InvalidDataException($"answered with {answer?.Count ?? 0} vectors for {count} texts");
        }

        var vectors = new float[count][];
        int length = count == 0 ? 0 : answer[0].Vector.Length;
        for (int i = 0; i < vectors.Length; i++)
        {
            ReadOnlySpan<float> vector = answer[i].Vector.Span;
            if (vector.Length == 0 || vector.Length != length)
            {
                throw new InvalidDataException(
                    $"answered with a vector of {vector.Length} components beside one of {length}");
            }

            if (!float.IsFinite(TensorPrimitives.Norm(vector)))
            {
                throw new InvalidDataException("answered with a vector that is not finite");
            }

            vectors[i] = vector.ToArray();
        }

        if (count > 0 && dimension is { } stored && stored != length)
        {
            throw RagException.EmbedderDimension(_index, Identity!, stored, length);
        }

        return vectors;
    }

    // Only the caller's own cancellation is none: a client's time limit shows as a cancellation, too. An answer of
    // another dimension is no outage, and asking again does not change it.
    private static bool IsFailure(Exception? exception, ResilienceContext context) => exception is not null
        && !IsCallersCancellation(exception, context.CancellationToken)
        && exception is not RagException { Error: RagError.EmbedderMismatch };

    private static bool IsCallersCancellation(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;

    private static bool IsTimeout(Exception exception) =>
        exception is TimeoutException or OperationCanceledException { InnerException: TimeoutException };

    private sealed record DimensionMismatch(int Stored, long At, string Message);
}

/// <summary>The embedding generator of a registration, if it has one.</summary>
internal sealed class EmbeddingRegistration
{
    public Func<IServiceProvider, IEmbeddingGenerator<string, Embedding<float>>?>? Create { get; set; }

    public string? Identity { get; set; }
}
