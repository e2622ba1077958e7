using Coach.Llm;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Speech;

internal sealed class CoachSpeechOptionsValidator(IOptions<CoachLlmOptions> llm) : IValidateOptions<CoachSpeechOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachSpeechOptions options)
    {
        OptionsCheck check = new OptionsCheck("Coach:Speech", name)
            .Present(options.Provider)
            .InRange(options.MaxTextLength, 1, 20_000);
        bool speaksWithCartesia = options.Enabled
            && ProviderNames.Cartesia.Equals(options.Provider, StringComparison.OrdinalIgnoreCase);
        return check
            .That(
                !speaksWithCartesia || llm.Value.Cartesia.Voice.Length > 0,
                "Coach:Speech:Enabled is true and Coach:Llm:Cartesia:Voice is missing; set it to the id of a voice.")
            .Result();
    }
}
