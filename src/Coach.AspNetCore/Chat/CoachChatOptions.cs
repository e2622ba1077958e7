namespace Coach.AspNetCore;

/// <summary>The chat endpoint: the section <c>Coach:Chat</c>.</summary>
public sealed class CoachChatOptions
{
    /// <summary>The longest message, in characters.</summary>
    /// <value>1 to 60,000 (a request body holds 64 KiB); 8,000 unless set.</value>
    public int MaxMessageLength { get; set; } = 8_000;

    /// <summary>
    /// How many earlier questions of the session, each with its answer, a model is shown. Mock answers are not among
    /// them.
    /// </summary>
    /// <value>0 (each question stands alone) to 100; 6 unless set.</value>
    public int HistoryTurns { get; set; } = 6;

    /// <summary>
    /// The longest history, in characters of questions and answers; the oldest turns are dropped first.
    /// </summary>
    /// <value>
    /// 0 to 1,000,000; 16,000 unless set. This many characters for each of <see cref="MaxConversations"/> is the most
    /// memory used.
    /// </value>
    public int MaxHistoryLength { get; set; } = 16_000;

    /// <summary>
    /// How many sessions' histories this process keeps. Beyond that the longest idle ones are forgotten.
    /// </summary>
    /// <value>1 to 1,000,000; 2,000 unless set.</value>
    public int MaxConversations { get; set; } = 2_000;

    /// <summary>How long an idle session's history is kept.</summary>
    /// <value>1 minute to 24 hours; 1 hour unless set.</value>
    public TimeSpan HistoryLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// What the model is told before everything else. Retrieved passages and how to cite them are added by Coach.Rag.
    /// </summary>
    /// <value>A sentence that asks for short, honest answers, unless set; empty for none.</value>
    public string SystemPrompt { get; set; } =
        "You answer questions about the documents you are given. Be short and exact. When the documents do not "
        + "answer, say so.";
}
