namespace Coach.Llm;

/// <summary>One conversation in a list.</summary>
/// <param name="Id">Its id within the caller's conversations.</param>
/// <param name="Title">The title it was given, else the first 80 characters of its first question, on one line; empty
/// if there is none.</param>
/// <param name="MessageCount">How many messages are kept.</param>
/// <param name="UpdatedAt">When it was added to last.</param>
public sealed record ConversationInfo(string Id, string Title, int MessageCount, DateTimeOffset UpdatedAt)
{
    /// <summary>The longest title, in characters.</summary>
    public const int MaxTitleLength = 80;
}
