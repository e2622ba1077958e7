using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Prices;

/// <summary>
/// Asked for once, when the host starts: prices that cannot be read stop the start, and not each request.
/// </summary>
internal sealed class PriceFileCheck;

/// <summary>Reads the prices. Later a file that is broken leaves those from before in force.</summary>
internal sealed class PriceFileValidator(IServiceProvider services) : IValidateOptions<PriceFileCheck>
{
    public ValidateOptionsResult Validate(string? name, PriceFileCheck options)
    {
        try
        {
            _ = services.GetRequiredService<IPriceSource>();
            return ValidateOptionsResult.Success;
        }
        catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
        {
            return ValidateOptionsResult.Fail("Coach:Usage:PriceFile cannot be used: " + exception.Message);
        }
        catch (OptionsValidationException)
        {
            return ValidateOptionsResult.Success; // other settings are wrong, and their own check says so
        }
    }
}
