namespace Coach.AspNetCore;

/// <summary>What somebody thought of one answer.</summary>
/// <param name="Conversation">The conversation's id.</param>
/// <param name="Turn">The answer's number in it, from 1, or a name that the page gave it.</param>
/// <param name="Rating">Whether it was good.</param>
/// <param name="Note">Why, in the caller's words, at most 2,000 characters; empty when there are none.</param>
/// <param name="At">When it was said.</param>
public sealed record Feedback(string Conversation, string Turn, FeedbackRating Rating, string Note, DateTimeOffset At);
