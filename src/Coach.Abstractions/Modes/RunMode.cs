namespace Coach.Abstractions;

/// <summary>Whether outside calls are made. The zero value is the harmless one.</summary>
public enum RunMode
{
    /// <summary>Deterministic; needs no secret and no network, and refuses both.</summary>
    Mock,

    /// <summary>Makes outside calls and needs the secrets for them.</summary>
    Real,
}
