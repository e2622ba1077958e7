using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach;

/// <summary>
/// Where options stand in the configuration of a host that has one. Each call site binds by itself, because the
/// generated binder must see the options' type.
/// </summary>
internal static class OptionsSection
{
    /// <summary>
    /// The section, with the name of a named registration behind it; null in a container without configuration.
    /// </summary>
    public static IConfigurationSection? Find(IServiceProvider services, string section, string? name = null) =>
        services.GetService<IConfiguration>()?.GetSection(string.IsNullOrEmpty(name) ? section : $"{section}:{name}");
}
