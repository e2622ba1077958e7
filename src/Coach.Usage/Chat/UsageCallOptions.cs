namespace Coach.Usage;

/// <summary>Whose calls a client makes.</summary>
/// <param name="Caller">Who asks.</param>
public sealed record UsageCallOptions(CallerContext Caller)
{
    /// <summary>The provider, in lower case; the client's own metadata unless given.</summary>
    public string? Provider { get; init; }

    /// <summary>The models that may be asked, with their providers: the dearest is reserved. The client's own metadata
    /// and the options of the call unless given.</summary>
    public IReadOnlyList<(string Provider, string Model)> Candidates { get; init; } = [];

    /// <summary>Whether the host pays with a key of its own.</summary>
    public bool IsHostPaid { get; init; }

    /// <summary>What the calls belong to, such as a run; at most 200 characters, no user text.</summary>
    public string Reference { get; init; } = "";
}
