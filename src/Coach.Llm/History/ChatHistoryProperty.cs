namespace Coach.Llm;

/// <summary>What an answer says of its conversation, among its additional properties.</summary>
public static class ChatHistoryProperty
{
    /// <summary>The property's name; it is absent where the turn is kept, or there is none to keep.</summary>
    public const string Name = "coach.history";

    /// <summary>Its value when the store of conversations was away: the next question will not know of this
    /// turn.</summary>
    public const string NotKept = "not_kept";

    /// <summary>On a text that stands in a kept question for a file: the file's name.</summary>
    public const string FileName = "coach.history.file";

    /// <summary>On the same text: the file's media type.</summary>
    public const string FileType = "coach.history.file_type";
}
