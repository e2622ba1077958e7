namespace Coach.Abstractions;

/// <summary>A token bucket: how much at once, and how much in the long run.</summary>
/// <param name="Burst">How many permits a full bucket holds; 1 to 1,000,000.</param>
/// <param name="PerMinute">How many permits flow in each minute, evenly; 1 to 1,000,000.</param>
public readonly record struct RateLimit(int Burst, int PerMinute);
