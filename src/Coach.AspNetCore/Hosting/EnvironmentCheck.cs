using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Carries what is wrong with the environment variables to the start-up checks, so that it is reported with all the rest.</summary>
internal sealed class EnvironmentCheck
{
    public IReadOnlyList<string> Problems { get; set; } = [];

    internal sealed class Validator : IValidateOptions<EnvironmentCheck>
    {
        public ValidateOptionsResult Validate(string? name, EnvironmentCheck options) =>
            options.Problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(options.Problems);
    }
}
