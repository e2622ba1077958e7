using Coach.Abstractions.Secrets;

namespace Coach.Abstractions;

/// <summary>Which secrets a host declares, and where secret files lie.</summary>
public sealed class CoachSecretOptions
{
    /// <summary>What the host needs. Packages and the host add to the same manifest.</summary>
    public SecretManifest Manifest { get; } = new();

    /// <summary>The mode to check for at start.</summary>
    /// <value>
    /// Null (the default) follows <see cref="CoachHostOptions.Mode"/>: only a real host must have its required secrets.
    /// </value>
    public RunMode? Mode { get; set; }

    /// <summary>The folder of secret files, one file a secret, named like it; at most 64 KiB each.</summary>
    /// <value><c>/run/secrets</c> unless set.</value>
    public string Directory { get; set; } = SecretSource.DefaultDirectory;
}
