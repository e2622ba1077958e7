namespace Coach.Llm.Providers;

/// <summary>The settings of requests that give none themselves.</summary>
internal sealed record ChatDefaults(float? Temperature, int MaxOutputTokens);
