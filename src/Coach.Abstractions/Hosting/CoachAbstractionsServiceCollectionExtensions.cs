using Coach.Abstractions;
using Coach.Abstractions.Modes;
using Coach.Abstractions.Secrets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers what the Coach packages share.</summary>
public static class CoachAbstractionsServiceCollectionExtensions
{
    /// <summary>
    /// Registers the secret source and the check that reports all missing required secrets together at start, and binds
    /// <c>Coach:Mode</c>. Every Coach package calls it; calling it twice is harmless.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Adds to the manifest.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddCoachSecrets(
        this IServiceCollection services, Action<CoachSecretOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IConfigureOptions<CoachHostOptions>, CoachHostOptionsBinding>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<CoachSecretOptions>, SecretManifestCheck>());
        services.AddOptions<CoachSecretOptions>().ValidateOnStart();
        services.AddOptions<CoachHostOptions>().ValidateOnStart();
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton<ISecretSource>(provider =>
        {
            // Built by hand: IOptions<CoachSecretOptions>.Value would run the check, which needs this very source.
            var options = new CoachSecretOptions();
            foreach (var action in provider.GetServices<IConfigureOptions<CoachSecretOptions>>())
            {
                action.Configure(options);
            }

            return new SecretSource(options.Manifest, provider.GetService<IConfiguration>(), options.Directory);
        });
        return services;
    }
}
