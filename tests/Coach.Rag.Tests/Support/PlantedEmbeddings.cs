using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests;

/// <summary>An embedding generator that answers from a rule, counts, and fails when told to.</summary>
internal sealed class PlantedEmbeddings(Func<string, float[]> rule, string model = "planted") : IEmbeddingGenerator<string, Embedding<float>>
{
    public int Calls { get; private set; }

    public int Texts { get; private set; }

    public Func<IReadOnlyList<string>, CancellationToken, Task<GeneratedEmbeddings<Embedding<float>>>>? Fault { get; set; }

    /// <summary>The vector of a text, uncounted.</summary>
    public float[] Of(string text) => rule(text);

    public static float[] Hashed(string text, int dimension)
    {
        // Words to random directions, summed: near for texts that share words.
        var vector = new float[dimension];
        foreach (string word in text.ToLowerInvariant().Split([' ', '.', ',', '\n', '?', '(', ')', '-'], StringSplitOptions.RemoveEmptyEntries))
        {
            var random = new Random(BitConverter.ToInt32(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(word))));
            for (int i = 0; i < dimension; i++)
            {
                vector[i] += (float)(random.NextDouble() - 0.5);
            }
        }

        return vector;
    }

    public static float[] Noise(string text, int dimension)
    {
        var random = new Random(BitConverter.ToInt32(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))));
        return [.. Enumerable.Range(0, dimension).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    /// <summary>What each call was for.</summary>
    public List<EmbeddingTask> Tasks { get; } = [];

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        string[] texts = [.. values];
        lock (rule)
        {
            Calls++;
            Texts += texts.Length;
            Tasks.Add(options?.AdditionalProperties?.GetValueOrDefault(EmbeddingTaskProperty.Name) as EmbeddingTask? ?? default);
        }

        return Fault is { } fault ? fault(texts, cancellationToken)
            : Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(texts.Select(text => new Embedding<float>(rule(text)))));
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("test", null, model) : null;

    public void Dispose()
    {
    }
}
