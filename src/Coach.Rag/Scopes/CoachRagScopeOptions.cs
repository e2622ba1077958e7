using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>How documents are kept by scope: the section <c>Coach:Rag:Scopes</c>.</summary>
public sealed class CoachRagScopeOptions
{
    /// <summary>The folder of the index files, one a scope. Their names say nothing of the scopes'.</summary>
    /// <value>Required; it is made when the first scope is opened, for its owner alone.</value>
    public string? Folder { get; set; }

    /// <summary>
    /// The most scopes that are open at once. The least recently used one that nothing reads or writes is closed for
    /// another one.
    /// </summary>
    /// <value>1 to 10,000; 64 unless set.</value>
    public int MaxOpen { get; set; } = 64;

    /// <summary>
    /// The longest that opening a scope waits while as many as may be are in use, or it is being closed.
    /// </summary>
    /// <value>10 ms to 5 minutes; 5 seconds unless set.</value>
    public TimeSpan OpenTimeLimit { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a scope that nothing uses stays open.</summary>
    /// <value>Zero (until its place is needed), or 1 second to 1 day; 10 minutes unless set.</value>
    public TimeSpan CloseAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The most documents of one scope; one that would pass it is reported and skipped.</summary>
    /// <value>1 to 10,000,000; 10,000 unless set.</value>
    public long MaxDocuments { get; set; } = 10_000;

    /// <summary>
    /// The most bytes of text of one scope: its passages as UTF-8, what they repeat of each other included. A document
    /// that would pass it is reported and skipped.
    /// </summary>
    /// <value>1 KiB to 1 TiB; 256 MiB unless set.</value>
    public long MaxBytes { get; set; } = 256L << 20;

    /// <summary>
    /// The scopes that hold one caller's documents: they are handed out and erased with the caller's data.
    /// </summary>
    /// <value>The caller's own (<see cref="KnowledgeScope.OfCaller"/>) and the session's, unless set.</value>
    public Func<CallerContext, IEnumerable<KnowledgeScope>> ScopesOfCaller { get; set; } =
        static caller => [KnowledgeScope.OfCaller(caller), KnowledgeScope.OfSession(caller.SessionId)];
}
