namespace Coach.AspNetCore;

/// <summary>The host's price list: the section <c>Coach:Menu</c>. A browser or a model names an item of it and never a
/// price.</summary>
public sealed class CoachMenuOptions
{
    /// <summary>The currency of every price.</summary>
    /// <value>Three letters; <c>usd</c> unless set.</value>
    public string Currency { get; set; } = "usd";

    /// <summary>What there is to order.</summary>
    /// <value>At most 200; empty unless set: then nothing can be put on a tab but by the host's own code, and no chat
    /// gets the tool.</value>
    public IList<CoachMenuItem> Items { get; } = [];
}
