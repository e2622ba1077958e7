using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Payments.Mcp;
using Coach.Payments.Mcp.Connections;
using Coach.Payments.Mcp.Hosting;
using Coach.Payments.Mcp.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Chooses the Stripe MCP gateway.</summary>
public static class CoachPaymentsMcpBuilderExtensions
{
    /// <summary>
    /// Makes links through a Stripe MCP server instead of Stripe's REST API. Options come from the section
    /// <c>Coach:Payments:Mcp</c> (<c>Coach:Payments:Mcp:{name}</c> for named payments), the key from the secret
    /// <c>STRIPE_API_KEY</c>. The server is started, or connected to, at the first payment, not before.
    /// </summary>
    /// <param name="builder">The payments to change.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachPaymentsBuilder UseStripeMcp(
        this CoachPaymentsBuilder builder, Action<StripeMcpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        (string name, object? key) = (builder.Name, builder.ServiceKey);
        OptionsBuilder<StripeMcpOptions> options = services.AddOptions<StripeMcpOptions>(name).ValidateOnStart();
        bool isRegistered = services.Any(
            service => service.ServiceType == typeof(StripeMcpGateway) && Equals(service.ServiceKey, key));
        if (!isRegistered)
        {
            options.Configure<IServiceProvider>((options, provider) =>
            {
                if (OptionsSection.Find(provider, "Coach:Payments:Mcp", name) is { } section)
                {
                    section.Bind(options);
                }
            });
            AddGateway(services, name, key);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return builder.UseGateway(provider => provider.GetRequiredKeyedService<StripeMcpGateway>(key));
    }

    private static void AddGateway(IServiceCollection services, string name, object? key)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<StripeMcpOptions>, StripeMcpOptionsValidator>());
        services.TryAddSingleton(static provider => new McpMetrics(provider.GetService<IMeterFactory>()));

        // The factory's lines are redacted, but the structured values of their trace level still hold the key.
        services.AddHttpClient(McpTransports.ClientOf(name))
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
            {
                // The key must not follow a redirect, and nothing here needs a cookie.
                AllowAutoRedirect = false,
                UseCookies = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            })
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => SendOnceHandler.Guard(handlers));
        services.TryAddKeyedSingleton(key, (provider, _) =>
        {
            StripeMcpOptions options = provider.GetRequiredService<IOptionsMonitor<StripeMcpOptions>>().Get(name);
            var handlers = provider.GetRequiredService<IHttpMessageHandlerFactory>();
            var transports = new McpTransports(options, handlers, McpTransports.ClientOf(name));
            ILogger? logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments.Mcp");
            var telemetry = new McpTelemetry(provider.GetRequiredService<McpMetrics>(), logger ?? NullLogger.Instance);
            return new StripeMcpGateway(options, provider.GetRequiredService<ISecretSource>(), transports.Create,
                provider.GetRequiredService<TimeProvider>(), telemetry);
        });
    }
}
