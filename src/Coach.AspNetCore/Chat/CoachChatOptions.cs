namespace Coach.AspNetCore;

/// <summary>The chat endpoint: the section <c>Coach:Chat</c>.</summary>
public sealed class CoachChatOptions
{
    /// <summary>The longest message, in characters.</summary>
    /// <value>1 to 60,000 (a request body holds 64 KiB); 8,000 unless set.</value>
    public int MaxMessageLength { get; set; } = 8_000;

    /// <summary>How many pictures and files may come with a question, where a model answers.</summary>
    /// <value>0 (none) to 20; 4 unless set.</value>
    public int MaxFiles { get; set; } = 4;

    /// <summary>How much the files of one question may hold together, in bytes.</summary>
    /// <value>1 KiB to 20 MiB; 5 MiB unless set.</value>
    public int MaxFileBytes { get; set; } = 5 * 1024 * 1024;

    /// <summary>
    /// What the model is told before everything else. Retrieved passages and how to cite them are added by Coach.Rag.
    /// </summary>
    /// <value>A sentence that asks for short, honest answers, unless set; empty for none.</value>
    public string SystemPrompt { get; set; } =
        "You answer questions about the documents you are given. Be short and exact. When the documents do not "
        + "answer, say so.";

    /// <summary>
    /// The file to which <c>POST /api/feedback</c> appends lines of JSON, each with <c>at</c>, <c>caller</c> (a hash),
    /// <c>conversation</c>, <c>turn</c>, <c>rating</c> and <c>note</c>. Its folder must exist.
    /// </summary>
    /// <value>Null: the latest 1,000 are kept in this process's memory. The file takes at most 64 MiB.</value>
    public string? FeedbackPath { get; set; }
}
