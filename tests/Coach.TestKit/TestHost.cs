using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.TestKit;

/// <summary>
/// A container as an app builds it, without a host that starts: what a package registers, on a test's clock, settings and logs, with a
/// fixed seed for all that is random. Scopes are validated.
/// </summary>
public sealed class TestHost : IAsyncDisposable, IDisposable
{
    private readonly ServiceProvider _services;

    /// <param name="register">Registers what is tested, after everything that is given below.</param>
    /// <param name="time">The clock; the package's own choice unless given.</param>
    /// <param name="settings">The configuration; the container has none unless given.</param>
    /// <param name="logs">Where every line of every level is kept; logging goes nowhere unless given.</param>
    public TestHost(
        Action<IServiceCollection> register, TimeProvider? time = null, IEnumerable<KeyValuePair<string, string?>>? settings = null,
        FakeLogCollector? logs = null)
    {
        ArgumentNullException.ThrowIfNull(register);
        var services = new ServiceCollection();
        services.AddSingleton(new Random(1));
        if (time is not null)
        {
            services.AddSingleton(time);
        }

        if (settings is not null)
        {
            Configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
            services.AddSingleton<IConfiguration>(Configuration);
        }

        services.AddLogging(logging =>
        {
            if (logs is not null)
            {
                logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new FakeLoggerProvider(logs));
            }
        });
        register(services);
        _services = services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true });
    }

    public ServiceProvider Services => _services;

    /// <summary>The configuration, for settings that change while the container lives; null unless settings were given.</summary>
    public IConfigurationRoot? Configuration { get; }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public void Dispose() => _services.Dispose();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
