namespace Coach.AspNetCore;

/// <summary>One thing that the host sells.</summary>
public sealed class CoachMenuItem
{
    /// <summary>Its name for pages and tools.</summary>
    /// <value>1 to 40 lower-case letters, digits and <c>-</c>; each once.</value>
    public string Id { get; set; } = "";

    /// <summary>Its name for people, and the line's text on the tab.</summary>
    /// <value>1 to 100 characters.</value>
    public string Name { get; set; } = "";

    /// <summary>What one costs, in minor units of <see cref="CoachMenuOptions.Currency"/>: 310 is 3.10 USD.</summary>
    /// <value>More than 0, and an amount that can be charged.</value>
    public long Price { get; set; }
}
