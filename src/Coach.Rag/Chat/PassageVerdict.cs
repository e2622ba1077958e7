namespace Coach.Rag;

/// <summary>What an <see cref="IPassageScanner"/> says of a passage. The zero value keeps it back.</summary>
public enum PassageVerdict
{
    /// <summary>Nobody is shown it: no model, no person.</summary>
    Withhold,

    /// <summary>It may be shown.</summary>
    Show,
}
