namespace Coach.Rag;

/// <summary>How passages are ranked anew. Whatever fails costs nothing but the new order.</summary>
public sealed class RerankOptions
{
    /// <summary>How many passages are kept, where <see cref="RetrievalOptions.Top"/> does not say.</summary>
    /// <value>1 to 100; 5 unless set.</value>
    public int Top { get; set; } = 5;

    /// <summary>How many passages are retrieved and ranked.</summary>
    /// <value>2 to 100; 20 unless set.</value>
    public int Candidates { get; set; } = 20;

    /// <summary>The longest that ranking may take before the passages stay in their order.</summary>
    /// <value>10 ms to 1 minute; 3 seconds unless set.</value>
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>What ranks.</summary>
    /// <value>Null: the chat client that answers is asked (<see cref="ChatPassageReranker"/>).</value>
    public IPassageReranker? Reranker { get; set; }

    /// <summary>The clock of the time limit.</summary>
    /// <value>The system's unless set.</value>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Top, 1, "rerank.Top");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Top, 100, "rerank.Top");
        ArgumentOutOfRangeException.ThrowIfLessThan(Candidates, 2, "rerank.Candidates");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Candidates, 100, "rerank.Candidates");
        ArgumentOutOfRangeException.ThrowIfLessThan(TimeLimit, TimeSpan.FromMilliseconds(10), "rerank.TimeLimit");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(TimeLimit, TimeSpan.FromMinutes(1), "rerank.TimeLimit");
    }
}
