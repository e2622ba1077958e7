namespace Coach.AspNetCore;

/// <summary>The host's price list: the section <c>Coach:Menu</c>. A browser or a model names an item of it and never a
/// price.</summary>
public sealed class CoachMenuOptions
{
    /// <summary>The currency of every price.</summary>
    /// <value>Three letters; <c>usd</c> unless set.</value>
    public string Currency { get; set; } = "usd";

    /// <summary>Whether a tab's unpaid lines and tip may come to no more than its guest's balance of credits, in the
    /// currency of both (<c>Coach:Credits:Currency</c>). What is refused is answered with 402.</summary>
    /// <value>False unless set.</value>
    public bool LimitToCredits { get; set; }

    /// <summary>What there is to order.</summary>
    /// <value>At most 200; empty unless set: then nothing can be put on a tab but by the host's own code, and no chat
    /// gets the tool.</value>
    public IList<CoachMenuItem> Items { get; } = [];
}
