using Microsoft.Extensions.AI;

namespace Coach.Usage;

/// <summary>
/// What a call used, each token in one kind alone: cached input is not in <see cref="Input"/>, reasoning not in
/// <see cref="Output"/>. Values are 0 to 10,000,000,000.
/// </summary>
public readonly record struct UsageCounts
{
    private const long Most = 10_000_000_000;

    // As Coach.Llm's protocols name what Anthropic counts.
    private const string CacheCreation = "cache_creation_input_tokens";

    /// <summary>Input tokens at the full price.</summary>
    public long Input { get; init => field = Clamp(value); }

    /// <summary>Input tokens that came from a cache.</summary>
    public long CachedInput { get; init => field = Clamp(value); }

    /// <summary>Input tokens that were written into a cache.</summary>
    public long CacheWrite { get; init => field = Clamp(value); }

    /// <summary>Output tokens without reasoning.</summary>
    public long Output { get; init => field = Clamp(value); }

    /// <summary>Tokens of reasoning.</summary>
    public long Reasoning { get; init => field = Clamp(value); }

    /// <summary>Input tokens of sound.</summary>
    public long AudioInput { get; init => field = Clamp(value); }

    /// <summary>Output tokens of sound.</summary>
    public long AudioOutput { get; init => field = Clamp(value); }

    /// <summary>Images that were made.</summary>
    public long Images { get; init => field = Clamp(value); }

    /// <summary>Tokens that were embedded.</summary>
    public long Embedding { get; init => field = Clamp(value); }

    /// <summary>Requests to the provider.</summary>
    public long Requests { get; init => field = Clamp(value); }

    /// <summary>All tokens.</summary>
    public long TotalTokens =>
        Input + CachedInput + CacheWrite + Output + Reasoning + AudioInput + AudioOutput + Embedding;

    /// <summary>All tokens that went in.</summary>
    public long TotalInput => Input + CachedInput + CacheWrite + AudioInput + Embedding;

    /// <summary>All tokens that came out.</summary>
    public long TotalOutput => Output + Reasoning + AudioOutput;

    /// <summary>Takes apart what a provider counted.</summary>
    /// <param name="details">The provider's numbers; null for none.</param>
    /// <param name="requests">How many requests it took.</param>
    /// <returns>The counts. A part that is larger than its whole was not in it. Sound is not told apart: the counts of
    /// it in <see cref="UsageDetails"/> are experimental.</returns>
    public static UsageCounts From(UsageDetails? details, long requests = 1)
    {
        if (details is null)
        {
            return new UsageCounts { Requests = requests };
        }

        long written = 0;
        details.AdditionalCounts?.TryGetValue(CacheCreation, out written);
        long input = Clamp(details.InputTokenCount ?? 0);
        long output = Clamp(details.OutputTokenCount ?? 0);
        long cached = Clamp(details.CachedInputTokenCount ?? 0);
        long reasoning = Clamp(details.ReasoningTokenCount ?? 0);
        written = Clamp(written);

        // Some providers give the sum alone.
        if (input == 0 && output == 0 && details.TotalTokenCount is > 0 and { } total)
        {
            input = Clamp(total);
        }

        return new UsageCounts
        {
            Input = Without(input, cached + written),
            CachedInput = cached,
            CacheWrite = written,
            Output = Without(output, reasoning),
            Reasoning = reasoning,
            Requests = requests,
        };
    }

    /// <summary>Adds.</summary>
    /// <param name="left">Counts.</param>
    /// <param name="right">Others.</param>
    /// <returns>The sums.</returns>
    public static UsageCounts operator +(UsageCounts left, UsageCounts right) => left.Add(right);

    /// <summary>Adds.</summary>
    /// <param name="other">Other counts.</param>
    /// <returns>The sums.</returns>
    public UsageCounts Add(UsageCounts other) => new()
    {
        Input = Input + other.Input,
        CachedInput = CachedInput + other.CachedInput,
        CacheWrite = CacheWrite + other.CacheWrite,
        Output = Output + other.Output,
        Reasoning = Reasoning + other.Reasoning,
        AudioInput = AudioInput + other.AudioInput,
        AudioOutput = AudioOutput + other.AudioOutput,
        Images = Images + other.Images,
        Embedding = Embedding + other.Embedding,
        Requests = Requests + other.Requests,
    };

    private static long Without(long whole, long parts) => parts > whole ? whole : whole - parts;

    private static long Clamp(long value) => Math.Clamp(value, 0, Most);
}
