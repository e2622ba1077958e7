namespace Coach.AspNetCore;

/// <summary>What Coach's page says of the host: the section <c>Coach:Page</c>.</summary>
public sealed class CoachPageOptions
{
    /// <summary>The name in the page's head, in the browser's tab and under the icon of the installed app.</summary>
    /// <value>1 to 40 characters; <c>Coach</c> unless set.</value>
    public string Title { get; set; } = "Coach";

    /// <summary>What stands above an empty conversation.</summary>
    /// <value>1 to 300 characters; asks for a question about the documents unless set.</value>
    public string Welcome { get; set; } = "Ask a question about the documents.";

    /// <summary>Questions that a visitor can ask with one click.</summary>
    /// <value>At most 8, each of 1 to 200 characters; none unless set.</value>
    public IList<string> Suggestions { get; } = [];
}
