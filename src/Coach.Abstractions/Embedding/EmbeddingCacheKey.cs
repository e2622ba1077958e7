namespace Coach.Abstractions;

/// <summary>Names one embedding: two equal keys have the same vector.</summary>
/// <param name="Model">Provider and model, such as <c>gemini/gemini-embedding-001</c>; 1 to 200 characters.</param>
/// <param name="Dimensions">How many numbers the vector has; 0 if the model's default was asked for.</param>
/// <param name="Task">What it is for.</param>
/// <param name="TextHash">SHA-256 of the text's UTF-8 bytes, as 64 lower-case hex digits: the text itself is in no
/// cache.</param>
public readonly record struct EmbeddingCacheKey(string Model, int Dimensions, EmbeddingTask Task, string TextHash);
