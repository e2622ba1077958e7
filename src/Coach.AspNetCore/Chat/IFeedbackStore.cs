using Coach.Abstractions;

namespace Coach.AspNetCore;

/// <summary>
/// Keeps feedback. The one of <c>AddCoach</c> appends lines of JSON to the file <c>Coach:Chat:FeedbackPath</c>, or
/// keeps the latest 1,000 in memory where none is set. Register another one before <c>AddCoach</c>.
/// </summary>
public interface IFeedbackStore
{
    /// <summary>Keeps one; a later one of the same caller, conversation and turn replaces it.</summary>
    /// <param name="caller">Whose it is.</param>
    /// <param name="feedback">What was said.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when it is kept.</returns>
    /// <exception cref="CoachException">It cannot be kept (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task AddAsync(CallerContext caller, Feedback feedback, CancellationToken cancellationToken = default);

    /// <summary>What one caller said, the latest last.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The caller's feedback.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<IReadOnlyList<Feedback>> ListAsync(CallerContext caller, CancellationToken cancellationToken = default);

    /// <summary>Forgets all that one caller said.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How much it was.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default);
}
