namespace Coach.Llm;

/// <summary>
/// What a model is shown of a conversation, and what is kept in this process's memory: the section
/// <c>Coach:Llm:History</c>.
/// </summary>
public sealed class ChatHistoryOptions
{
    /// <summary>
    /// How many earlier questions, each with its answer, a model is shown. Mock answers are not among them.
    /// </summary>
    /// <value>0 (each question stands alone) to 100; 6 unless set.</value>
    public int Turns { get; set; } = 6;

    /// <summary>
    /// How many conversations are kept, of all callers. Beyond that the longest idle ones are forgotten. In memory
    /// those of mock answers alone take a quarter of the places.
    /// </summary>
    /// <value>1 to 1,000,000; 2,000 unless set.</value>
    public int MaxConversations { get; set; } = 2_000;

    /// <summary>How many of them one caller may have; beyond that the caller's longest idle one is forgotten.</summary>
    /// <value>1 to 10,000; 100 unless set.</value>
    public int MaxConversationsPerCaller { get; set; } = 100;

    /// <summary>
    /// The longest conversation, in characters of its texts; the oldest messages are dropped first, whole turns at a
    /// time.
    /// </summary>
    /// <value>0 to 10,000,000; 16,000 unless set. Times <see cref="MaxConversations"/> it is about the most memory
    /// used, twice that in bytes.</value>
    public int MaxLength { get; set; } = 16_000;

    /// <summary>How many messages a conversation keeps; the oldest are dropped first, whole turns at a time.</summary>
    /// <value>0 to 10,000; 200 unless set.</value>
    public int MaxMessages { get; set; } = 200;

    /// <summary>How long an idle conversation is kept.</summary>
    /// <value>1 minute to 30 days; 1 hour unless set.</value>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);
}
