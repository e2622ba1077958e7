using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text.Json;
using Coach.Rag.Embeddings.StaticModels;
using Coach.Rag.Embeddings.Tokenizers;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Embeddings;

/// <summary>
/// Static embeddings without a provider or a network: a model2vec model (a table of token vectors; the mean of a text's
/// tokens is its embedding) from a folder on disk. Fast, small, and weaker than a transformer.
/// </summary>
/// <remarks>
/// <para>The folder holds <c>tokenizer.json</c> (WordPiece or Unigram), <c>model.safetensors</c> (<c>embeddings</c> in
/// float64, float32, float16, bfloat16 or int8; optionally <c>weights</c> and <c>mapping</c>) and <c>config.json</c>
/// (<c>normalize</c>). Download it yourself; nothing is fetched. The table is memory-mapped. Behaviour follows
/// <c>StaticModel.encode</c> of github.com/MinishLab/model2vec: tokens past <see cref="MaxTokens"/> are cut off,
/// unknown WordPiece tokens are left out, and a text without tokens is a zero vector.</para>
/// <para>Normalisers NFC, NFD, NFKC and NFKD do nothing where the app runs in invariant globalization mode. Safe for
/// use from several threads.</para>
/// </remarks>
public sealed class Model2VecEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const int MaxConfigBytes = 1 << 20;
    private const int MaxDimension = 16_384;      // the most that an index stores
    private const int FingerprintBytes = 6;

    // model2vec's own name, and that of sentence-transformers.
    private static readonly string[] Tables = ["embeddings", "embedding.weight"];

    // Word averages: a hint beside the other methods.
    private static readonly EmbedderProfile Profile = new() { MaxWeight = 0.15 };

    private readonly string _folder;
    private readonly SafeTensors _tensors;
    private readonly TextTokenizer _tokenizer;
    private readonly string _table;
    private readonly float[]? _weights;
    private readonly int[]? _mapping;
    private readonly bool _normalizes;
    private readonly EmbeddingGeneratorMetadata _metadata;

    private Model2VecEmbeddingGenerator(string folder, int maxTokens, SafeTensors tensors)
    {
        _folder = folder;
        _tensors = tensors;
        _table = Tables.FirstOrDefault(tensors.Has)
            ?? throw RagException.ModelInvalid(folder, $"model.safetensors has no tensor '{Tables[0]}'");
        (int rows, Dimension) = tensors.Matrix(_table);
        if (Dimension is < 1 or > MaxDimension)
        {
            throw RagException.ModelInvalid(
                folder, $"tensor '{_table}' has {Dimension} columns; 1 to {MaxDimension} are supported");
        }

        _mapping = tensors.Has("mapping") ? tensors.Indices("mapping") : null;
        if (_mapping?.Any(row => row >= rows) ?? false)
        {
            throw RagException.ModelInvalid(folder, $"tensor 'mapping' points past the {rows} rows of '{_table}'");
        }

        int tokenCount = _mapping?.Length ?? rows;
        _weights = tensors.Has("weights") ? tensors.Vector("weights") : null;
        if (_weights is not null && _weights.Length != tokenCount)
        {
            throw RagException.ModelInvalid(
                folder, $"tensor 'weights' has {_weights.Length} numbers for {tokenCount} tokens");
        }

        _tokenizer = TokenizerJson.Load(folder, tokenCount);
        using (JsonDocument config = TokenizerJson.ReadFile(folder, "config.json", MaxConfigBytes))
        {
            _normalizes = config.RootElement.ValueKind == JsonValueKind.Object
                && config.RootElement.TryGetProperty("normalize", out JsonElement value)
                && value.ValueKind == JsonValueKind.True;
        }

        MaxTokens = maxTokens;
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        _metadata = new EmbeddingGeneratorMetadata("model2vec", providerUri: null, name, Dimension);
    }

    /// <summary>How many components an embedding has.</summary>
    public int Dimension { get; }

    /// <summary>How many tokens of a text are looked at; the rest is cut off.</summary>
    public int MaxTokens { get; }

    /// <summary>
    /// Twelve hexadecimal digits that tell this model from others: of the hash of its tensors and its tokenizer.
    /// </summary>
    internal string Fingerprint => field ??= ReadFingerprint();

    /// <summary>Loads a model.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="maxTokens">
    /// How many tokens of a text are looked at: 1 to 65,536; 512 unless given, as in model2vec.
    /// </param>
    /// <returns>The generator; dispose it to unmap the table.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="folder"/> is null or empty, or <paramref name="maxTokens"/> is out of range.
    /// </exception>
    /// <exception cref="RagException">
    /// The folder is incomplete, damaged, or of a kind that is not supported: <see cref="RagError.ModelInvalid"/>.
    /// </exception>
    public static Model2VecEmbeddingGenerator Load(string folder, int maxTokens = 512)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxTokens, 65_536);
        SafeTensors tensors = SafeTensors.Open(folder);
        try
        {
            return new Model2VecEmbeddingGenerator(folder, maxTokens, tensors);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Embeds texts, on the calling thread.</summary>
    /// <param name="values">The texts.</param>
    /// <param name="options">Null, or options whose dimension, if set, is <see cref="Dimension"/>.</param>
    /// <param name="cancellationToken">Ends the work between two texts; nothing is kept.</param>
    /// <returns>One embedding a text, in order, with the number of tokens used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="values"/> is null.</exception>
    /// <exception cref="ArgumentException">Another dimension is asked for.</exception>
    /// <exception cref="RagException">
    /// The table holds a number that is not finite: <see cref="RagError.ModelInvalid"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The generator was disposed.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is int asked && asked != Dimension)
        {
            throw new ArgumentException($"The model has {Dimension} dimensions, not {asked}.", nameof(options));
        }

        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        long tokens = 0;
        _tensors.Hold();
        try
        {
            foreach (string value in values)
            {
                cancellationToken.ThrowIfCancellationRequested();
                embeddings.Add(new Embedding<float>(Embed(value, ref tokens)) { ModelId = _metadata.DefaultModelId });
            }
        }
        finally
        {
            _tensors.Free();
        }

        embeddings.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
        return Task.FromResult(embeddings);
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
            null when serviceType == typeof(EmbedderProfile) => Profile,
            null when serviceType.IsInstanceOfType(this) => this,
            EmbedderIdentity.FingerprintKey when serviceType == typeof(string) => Fingerprint,
            _ => null,
        };
    }

    /// <summary>Unmaps the table after the last call; a call that is running fails at its next text.</summary>
    public void Dispose() => _tensors.Dispose();

    private float[] Embed(string text, ref long tokens)
    {
        List<int> ids = _tokenizer.Encode(Cut(text ?? ""));
        var mean = new float[Dimension];
        var row = new float[Dimension];
        int count = 0;
        foreach (int id in ids)
        {
            if (id == _tokenizer.UnknownId)
            {
                continue;
            }

            if (count == MaxTokens)
            {
                break;
            }

            _tensors.Row(_table, _mapping is null ? id : _mapping[id], row);
            TensorPrimitives.MultiplyAdd(row, _weights is null ? 1f : _weights[id], mean, mean);
            count++;
        }

        tokens += count;
        if (count > 0)
        {
            TensorPrimitives.Divide(mean, count, mean);
            float norm = TensorPrimitives.Norm(mean);
            if (!float.IsFinite(norm))
            {
                throw RagException.ModelInvalid(_folder, $"tensor '{_table}' holds numbers that are not finite");
            }

            if (_normalizes && norm > 0)
            {
                TensorPrimitives.Divide(mean, norm, mean);
            }
        }

        return mean;
    }

    private string ReadFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _tensors.Hold();
        try
        {
            _tensors.AppendTo(hash);
            using FileStream tokenizer = File.OpenRead(Path.Combine(_folder, "tokenizer.json"));
            hash.AppendData(SHA256.HashData(tokenizer));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw RagException.ModelInvalid(_folder, "tokenizer.json cannot be read", exception);
        }
        finally
        {
            _tensors.Free();
        }

        hash.AppendData([_normalizes ? (byte)1 : (byte)0]);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, FingerprintBytes));
    }

    // As the reference does: before tokenizing, about the length that the most tokens can have.
    private string Cut(string text)
    {
        long most = (long)MaxTokens * _tokenizer.MedianTokenLength;
        if (text.Length <= most)
        {
            return text;
        }

        int end = 0;
        for (long characters = 0; characters < most && end < text.Length; characters++)
        {
            end += char.IsHighSurrogate(text[end]) && end + 1 < text.Length && char.IsLowSurrogate(text[end + 1])
                ? 2
                : 1;
        }

        return text[..end];
    }
}
