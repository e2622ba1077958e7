using Coach;
using Coach.AspNetCore;
using Coach.AspNetCore.SessionKeys;
using Coach.Llm;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps session keys where all replicas find them.</summary>
public static class CoachSessionKeyBuilderExtensions
{
    /// <summary>
    /// Keeps session keys in the host's <c>IDistributedCache</c>, sealed with ASP.NET Core Data Protection. Replicas
    /// must share the key ring (<c>PersistKeysTo…</c> and <c>SetApplicationName</c>) and the cache; the ring itself
    /// should be protected (<c>ProtectKeysWith…</c>). Without a registered cache, one in memory is used.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Changes the settings.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachLlmBuilder UseDistributedSessionKeys(
        this CoachLlmBuilder builder, Action<DistributedSessionKeyOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddDataProtection();
        builder.Services.AddDistributedMemoryCache(); // TryAdd: the host's own cache wins
        builder.Services
            .AddOptionsWithValidateOnStart<DistributedSessionKeyOptions, DistributedSessionKeyOptionsValidator>();
        if (configure is not null)
        {
            builder.Services.Configure(configure);
        }

        builder.Services.TryAddSingleton<DistributedSessionKeyStore>();
        return builder.UseSessionKeyStore(services => services.GetRequiredService<DistributedSessionKeyStore>());
    }

    private sealed class DistributedSessionKeyOptionsValidator : IValidateOptions<DistributedSessionKeyOptions>
    {
        public ValidateOptionsResult Validate(string? name, DistributedSessionKeyOptions options) =>
            new OptionsCheck("Coach:AspNetCore:SessionKeys", name)
                .Present(options.Application)
                .That(
                    options.Application is not { Length: > 100 },
                    "Coach:AspNetCore:SessionKeys:Application has more than 100 characters.")
                .InRange(options.TouchInterval, TimeSpan.Zero, TimeSpan.FromMinutes(10))
                .Result();
    }
}
