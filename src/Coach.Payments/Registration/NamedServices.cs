using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coach.Payments;

/// <summary>Singletons of a registration: keyed by its name, or plain services for the default one, whose name is empty.</summary>
internal static class NamedServices
{
    public static bool HasNamed<T>(this IServiceCollection services, string name) =>
        services.Any(service => service.ServiceType == typeof(T) && Equals(service.ServiceKey, KeyOf(name)));

    public static void TryAddNamed<T>(this IServiceCollection services, string name, Func<IServiceProvider, T> factory)
        where T : class
    {
        if (name.Length == 0)
        {
            services.TryAddSingleton(factory);
        }
        else
        {
            services.TryAddKeyedSingleton(name, (provider, _) => factory(provider));
        }
    }

    public static void ReplaceNamed<T>(this IServiceCollection services, string name, Func<IServiceProvider, T> factory)
        where T : class
    {
        if (name.Length == 0)
        {
            services.RemoveAll<T>();
        }
        else
        {
            services.RemoveAllKeyed<T>(name);
        }

        services.TryAddNamed(name, factory);
    }

    public static T GetNamed<T>(this IServiceProvider provider, string name)
        where T : notnull => name.Length == 0 ? provider.GetRequiredService<T>() : provider.GetRequiredKeyedService<T>(name);

    private static string? KeyOf(string name) => name.Length == 0 ? null : name;
}
