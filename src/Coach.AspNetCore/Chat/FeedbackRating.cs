namespace Coach.AspNetCore;

/// <summary>What somebody thought of an answer.</summary>
public enum FeedbackRating
{
    /// <summary>It was not good.</summary>
    Down,

    /// <summary>It was good.</summary>
    Up,
}
