using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Abstractions.Modes;

/// <summary>Reads <c>Coach:Mode</c> (else <c>COACH_MODE</c>) where the host has a configuration.</summary>
internal sealed class CoachHostOptionsBinding(IServiceProvider services) : IConfigureOptions<CoachHostOptions>
{
    public void Configure(CoachHostOptions options)
    {
        var configuration = services.GetService<IConfiguration>();
        string? text = configuration?["Coach:Mode"] ?? configuration?["COACH_MODE"];
        if (string.IsNullOrWhiteSpace(text))
        {
            return;
        }

        if (!Enum.TryParse(text.Trim(), ignoreCase: true, out HostMode mode)
            || !Enum.IsDefined(mode)
            || int.TryParse(text, out _))
        {
            throw new OptionsValidationException(nameof(CoachHostOptions), typeof(CoachHostOptions),
                [$"Coach:Mode is {text.Trim()}; it must be auto, mock or real."]);
        }

        options.Mode = mode;
    }
}
