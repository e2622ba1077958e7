using Microsoft.Extensions.Options;

namespace Coach.Abstractions.Secrets;

/// <summary>Runs at start: reports every missing required secret in one <see cref="SecretException"/>.</summary>
internal sealed class SecretManifestCheck(
    ISecretSource source, IOptions<CoachHostOptions> host) : IValidateOptions<CoachSecretOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachSecretOptions options)
    {
        IReadOnlyList<string> missing = source.FindMissing(options.Manifest, options.Mode ?? ModeOfHost());
        return missing.Count == 0 ? ValidateOptionsResult.Success : throw SecretException.Missing(missing);
    }

    private RunMode ModeOfHost()
    {
        try
        {
            return host.Value.Mode == HostMode.Real ? RunMode.Real : RunMode.Mock;
        }
        catch (OptionsValidationException)
        {
            // A wrong mode is reported by its own check.
            return RunMode.Mock;
        }
    }
}
