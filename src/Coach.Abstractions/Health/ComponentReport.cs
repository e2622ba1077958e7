namespace Coach.Abstractions;

/// <summary>What a part says of itself.</summary>
/// <param name="State">How it is doing.</param>
/// <param name="Description">One sentence for people: no secret, no user text, no exception text.</param>
public sealed record ComponentReport(ComponentState State, string Description);
