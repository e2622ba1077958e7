using Microsoft.Extensions.Options;

namespace Coach.Abstractions;

/// <summary>Runs at start: reports every missing required secret in one <see cref="SecretException"/>.</summary>
internal sealed class SecretManifestCheck(ISecretSource source, IOptions<CoachHostOptions> host) : IValidateOptions<CoachSecretOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachSecretOptions options)
    {
        RunMode mode = options.Mode ?? (host.Value.Mode == HostMode.Real ? RunMode.Real : RunMode.Mock);
        IReadOnlyList<string> missing = source.FindMissing(options.Manifest, mode);
        return missing.Count == 0 ? ValidateOptionsResult.Success : throw SecretException.Missing(missing);
    }
}
