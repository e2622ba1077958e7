namespace Coach.Abstractions;

/// <summary>
/// Tells how near texts are to a question, as it travels with a chat request: Coach.Rag puts one into the request's
/// additional properties under <see cref="PropertyName"/> where there is an encoder, and the mock chat client quotes by
/// it.
/// </summary>
/// <param name="compare">
/// Gives the cosine of each text to the question, in their order; null where there is no encoder now.
/// </param>
/// <exception cref="ArgumentNullException"><paramref name="compare"/> is null.</exception>
public sealed class GroundingComparer(
    Func<string, IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyList<float>?>> compare)
{
    /// <summary>The key in the request's additional properties.</summary>
    public const string PropertyName = "coach.compare";

    private readonly Func<string, IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyList<float>?>> _compare =
        compare ?? throw new ArgumentNullException(nameof(compare));

    /// <summary>Compares texts with a question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="texts">The texts; at most 64 are compared.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The cosine of each, −1 to 1; null where there is no encoder now.</returns>
    public ValueTask<IReadOnlyList<float>?> CompareAsync(
        string question, IReadOnlyList<string> texts, CancellationToken cancellationToken = default) =>
        _compare(question, texts, cancellationToken);
}
