namespace Coach.AspNetCore;

/// <summary>What callers may do with the documents: the section <c>Coach:Knowledge</c>.</summary>
public sealed class CoachKnowledgeOptions
{
    /// <summary>
    /// Whether <c>MapCoach()</c> also maps what changes the documents. A host that maps it with
    /// <c>MapCoachKnowledgeEditing()</c> needs no setting.
    /// </summary>
    /// <value>False unless set: everybody who asks is answered from what somebody added.</value>
    public bool AllowEditing { get; set; }

    /// <summary>The largest upload, in bytes, all its files together.</summary>
    /// <value>1,024 to 2,000,000,000; 50 MiB unless set.</value>
    public long MaxUploadBytes { get; set; } = 50L * 1024 * 1024;
}
