namespace Coach.Usage;

/// <summary>What a model costs from a day on.</summary>
/// <remarks>
/// Rates of tokens are micro-units a million tokens: <c>0.30 usd</c> a million tokens is 300,000. A rate that is null
/// is that of the kind it is a part of: cached input and cache writes as input, reasoning as output, sound as text.
/// </remarks>
public sealed record ModelPrice
{
    /// <summary>The provider, in lower case.</summary>
    public required string Provider { get; init; }

    /// <summary>The model; an <c>*</c> at the end stands for any rest.</summary>
    public required string Model { get; init; }

    /// <summary>The first day it holds, UTC.</summary>
    public DateOnly From { get; init; }

    /// <summary>Holds for calls with more input tokens than this; 0 for all. The highest that applies wins.</summary>
    public long OverInputTokens { get; init; }

    /// <summary>The currency, in lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>Micro-units a million input tokens.</summary>
    public long Input { get; init; }

    /// <summary>Micro-units a million input tokens from a cache.</summary>
    public long? CachedInput { get; init; }

    /// <summary>Micro-units a million tokens written into a cache.</summary>
    public long? CacheWrite { get; init; }

    /// <summary>Micro-units a million output tokens.</summary>
    public long Output { get; init; }

    /// <summary>Micro-units a million tokens of reasoning.</summary>
    public long? Reasoning { get; init; }

    /// <summary>Micro-units a million input tokens of sound.</summary>
    public long? AudioInput { get; init; }

    /// <summary>Micro-units a million output tokens of sound.</summary>
    public long? AudioOutput { get; init; }

    /// <summary>Micro-units a million embedded tokens.</summary>
    public long? Embedding { get; init; }

    /// <summary>Micro-units an image.</summary>
    public long Image { get; init; }

    /// <summary>Micro-units a request.</summary>
    public long Request { get; init; }

    /// <summary>What a call costs: summed exactly, then rounded up to a whole micro-unit.</summary>
    /// <param name="counts">What it used.</param>
    /// <returns>The cost.</returns>
    public MicroAmount CostOf(UsageCounts counts)
    {
        Int128 perMillion = (Int128)counts.Input * Input
            + (Int128)counts.CachedInput * (CachedInput ?? Input)
            + (Int128)counts.CacheWrite * (CacheWrite ?? Input)
            + (Int128)counts.Output * Output
            + (Int128)counts.Reasoning * (Reasoning ?? Output)
            + (Int128)counts.AudioInput * (AudioInput ?? Input)
            + (Int128)counts.AudioOutput * (AudioOutput ?? Output)
            + (Int128)counts.Embedding * (Embedding ?? Input);
        Int128 micros = (perMillion + 999_999) / 1_000_000
            + (Int128)counts.Images * Image
            + (Int128)counts.Requests * Request;
        return new MicroAmount((long)Int128.Min(micros, long.MaxValue), Currency);
    }
}
