using System.Globalization;
using Coach.Rag.Embeddings.Encoders;
using Coach.Rag.Embeddings.StaticModels;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Embeddings;

/// <summary>
/// A sentence encoder (a BERT transformer with mean pooling) in managed code: no provider, no network, no native
/// library. Its weights are 8-bit codes in one file, which is mapped and not copied.
/// </summary>
/// <remarks>
/// <para>A text's embedding has length one; tokens past <see cref="MaxTokens"/> are cut off. Questions and passages are
/// embedded alike. A processor's instructions decide how inputs are rounded, so vectors of two machines differ by
/// less than .01 in cosine.</para>
/// <para>Safe for use from several threads. Batches of all callers together use a bounded number of threads of the
/// pool; a single text is embedded on the calling thread at once.</para>
/// </remarks>
public sealed class EncoderEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const int MaxThreads = 64;

    private readonly EncoderModel _model;
    private readonly EncoderWorkers _workers;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly EmbedderProfile? _profile;
    private int _isDisposed;

    private EncoderEmbeddingGenerator(MappedFile file, string name, int threads, EmbedderProfile? profile)
    {
        _profile = profile;
        _model = EncoderModel.Open(file, name);
        _workers = new EncoderWorkers(_model, threads);
        Threads = threads;
        Fingerprint = _model.Checksum.ToString("x8", CultureInfo.InvariantCulture);
        _metadata = new EmbeddingGeneratorMetadata("coach", providerUri: null, name, Dimension);
    }

    /// <summary>How many components an embedding has.</summary>
    public int Dimension => _model.Shape.Hidden;

    /// <summary>How many tokens of a text are looked at, the two that frame it included; the rest is cut off.</summary>
    public int MaxTokens => _model.Shape.MaxTokens;

    /// <summary>The most threads that batches use.</summary>
    public int Threads { get; }

    internal string Fingerprint { get; }

    internal EncoderModel Model => _model;

    /// <summary>Loads an encoder from a file.</summary>
    /// <param name="path">The file, as the build of Coach.Rag.MiniLM writes it.</param>
    /// <param name="threads">
    /// The most threads that batches use: 1 to 64; half of the processors unless given, at least one.
    /// </param>
    /// <returns>The generator; dispose it to unmap the file.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="path"/> is null or empty, or <paramref name="threads"/> is out of range.
    /// </exception>
    /// <exception cref="RagException">
    /// The file is missing, damaged, or no encoder: <see cref="RagError.ModelInvalid"/>.
    /// </exception>
    public static EncoderEmbeddingGenerator Load(string path, int? threads = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int most = Checked(threads);
        MappedFile? file;
        try
        {
            file = MappedFile.Open(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw RagException.ModelInvalid(path, "it cannot be read", exception);
        }

        return file is null
            ? throw RagException.ModelInvalid(path, "it is empty")
            : new EncoderEmbeddingGenerator(file, Path.GetFileNameWithoutExtension(path), most, null);
    }

    /// <summary>Loads an encoder from a resource of an assembly.</summary>
    /// <param name="resource">
    /// The resource from its position on, as <see cref="System.Reflection.Assembly.GetManifestResourceStream(string)"/>
    /// gives it; its memory stays readable as long as the generator is used.
    /// </param>
    /// <param name="name">The model's name, for the index and for messages.</param>
    /// <param name="threads">
    /// The most threads that batches use: 1 to 64; half of the processors unless given, at least one.
    /// </param>
    /// <param name="profile">What is known of it from measurements; null for what holds for most encoders.</param>
    /// <returns>The generator.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null or empty, or <paramref name="threads"/> is out of range.
    /// </exception>
    /// <exception cref="RagException">The resource is damaged, or no encoder: <see cref="RagError.ModelInvalid"/>.
    /// </exception>
    public static EncoderEmbeddingGenerator Load(
        UnmanagedMemoryStream resource, string name, int? threads = null, EmbedderProfile? profile = null)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentException.ThrowIfNullOrEmpty(name);
        int most = Checked(threads);
        return MappedFile.Of(resource) is { } file
            ? new EncoderEmbeddingGenerator(file, name, most, profile)
            : throw RagException.ModelInvalid(name, "it is empty");
    }

    /// <summary>Embeds texts.</summary>
    /// <param name="values">The texts.</param>
    /// <param name="options">Null, or options whose dimension, if set, is <see cref="Dimension"/>.</param>
    /// <param name="cancellationToken">Ends the work between two loads of texts; nothing is kept.</param>
    /// <returns>One embedding a text, in order, with the number of tokens used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="values"/> is null.</exception>
    /// <exception cref="ArgumentException">Another dimension is asked for.</exception>
    /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is int asked && asked != Dimension)
        {
            throw new ArgumentException($"The model has {Dimension} dimensions, not {asked}.", nameof(options));
        }

        cancellationToken.ThrowIfCancellationRequested();
        _model.Hold();
        try
        {
            int[][] texts = [.. values.Select(value => _model.Encode(value ?? ""))];
            float[][] vectors = await _workers.RunAsync(texts, cancellationToken).ConfigureAwait(false);
            long tokens = texts.Sum(text => (long)text.Length);
            return new GeneratedEmbeddings<Embedding<float>>(
                vectors.Select(vector => new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId }))
            {
                Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
            };
        }
        finally
        {
            _model.Free();
        }
    }

    /// <summary>Gives this generator, its metadata, its profile, or its fingerprint.</summary>
    /// <param name="serviceType">The type asked for.</param>
    /// <param name="serviceKey">
    /// Null, or <see cref="EmbedderIdentity.FingerprintKey"/> with the type <see cref="string"/>.
    /// </param>
    /// <returns>The service, or null.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="serviceType"/> is null.</exception>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey switch
        {
            null when serviceType == typeof(EmbeddingGeneratorMetadata) => _metadata,
            null when serviceType == typeof(EmbedderProfile) => _profile,
            null when serviceType == typeof(ITokenCounter) => _model.Counter,
            null when serviceType.IsInstanceOfType(this) => this,
            EmbedderIdentity.FingerprintKey when serviceType == typeof(string) => Fingerprint,
            _ => null,
        };
    }

    /// <summary>Unmaps the file after the last call.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _model.Dispose();
        }
    }

    private static int Checked(int? threads)
    {
        int most = threads ?? Math.Clamp(Environment.ProcessorCount / 2, 1, MaxThreads);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(threads));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, MaxThreads, nameof(threads));
        return most;
    }
}
