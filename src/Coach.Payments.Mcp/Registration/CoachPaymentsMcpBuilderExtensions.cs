using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Payments.Mcp;
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
    /// Makes links through a Stripe MCP server instead of Stripe's REST API. Options come from the section <c>Coach:Payments:Mcp</c>, the
    /// key from the secret <c>STRIPE_API_KEY</c>. The server is started, or connected to, at the first payment, not before.
    /// </summary>
    /// <param name="builder">The payments to change.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachPaymentsBuilder UseStripeMcp(this CoachPaymentsBuilder builder, Action<StripeMcpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        OptionsBuilder<StripeMcpOptions> options = services.AddOptions<StripeMcpOptions>().ValidateOnStart();
        if (!services.Any(static service => service.ServiceType == typeof(StripeMcpGateway)))
        {
            options.Configure<IServiceProvider>(static (options, provider) =>
                provider.GetService<IConfiguration>()?.GetSection("Coach:Payments:Mcp").Bind(options));
            services.AddHttpClient(McpTransports.ClientName).ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
            {
                // The key must not follow a redirect, and nothing here needs a cookie.
                AllowAutoRedirect = false,
                UseCookies = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            });
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<StripeMcpOptions>, StripeMcpOptionsValidator>());
        services.TryAddSingleton(static provider => new McpMetrics(provider.GetService<IMeterFactory>()));
        services.TryAddSingleton(static provider => Build(provider));
        return builder.UseGateway(static provider => provider.GetRequiredService<StripeMcpGateway>());
    }

    private static StripeMcpGateway Build(IServiceProvider provider)
    {
        StripeMcpOptions options = provider.GetRequiredService<IOptions<StripeMcpOptions>>().Value;
        IHttpMessageHandlerFactory handlers = provider.GetRequiredService<IHttpMessageHandlerFactory>();
        ILogger logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments.Mcp") ?? NullLogger.Instance;
        return new StripeMcpGateway(options, provider.GetRequiredService<ISecretSource>(), new McpTransports(options, handlers).Create,
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<McpMetrics>(), logger);
    }
}
