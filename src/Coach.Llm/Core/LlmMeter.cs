namespace Coach.Llm.Core;

/// <summary>The package's one meter and source of spans. Whoever owns an instrument makes it there.</summary>
internal static class LlmMeter
{
    public const string Name = "Coach.Llm";
}
