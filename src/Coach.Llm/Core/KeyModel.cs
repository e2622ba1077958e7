namespace Coach.Llm;

/// <summary>A model that a key has, as the provider lists it.</summary>
/// <param name="Id">The model's name, as requests name it.</param>
/// <param name="ShutdownDate">The day on which the provider ends it, if it said so.</param>
public sealed record KeyModel(string Id, DateOnly? ShutdownDate);
