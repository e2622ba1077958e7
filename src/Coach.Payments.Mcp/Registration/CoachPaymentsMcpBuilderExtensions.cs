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
    /// Makes links through a Stripe MCP server instead of Stripe's REST API. Options come from the section <c>Coach:Payments:Mcp</c>
    /// (<c>Coach:Payments:Mcp:{name}</c> for named payments), the key from the secret <c>STRIPE_API_KEY</c>. The server is started, or connected to, at the first payment, not before.
    /// </summary>
    /// <param name="builder">The payments to change.</param>
    /// <param name="configure">Changes the options after they were bound from configuration.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static CoachPaymentsBuilder UseStripeMcp(this CoachPaymentsBuilder builder, Action<StripeMcpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        string name = builder.Name;
        OptionsBuilder<StripeMcpOptions> options = services.AddOptions<StripeMcpOptions>(name).ValidateOnStart();
        if (!services.HasNamed<StripeMcpGateway>(name))
        {
            options.Configure<IServiceProvider>((options, provider) =>
                provider.GetService<IConfiguration>()?.GetSection(name.Length == 0 ? "Coach:Payments:Mcp" : $"Coach:Payments:Mcp:{name}").Bind(options));
            IHttpClientBuilder client = services.AddHttpClient(McpTransports.ClientOf(name));
            client.RemoveAllLoggers(); // their text is redacted; the structured values of their trace level still hold the key
            client.ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
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
        services.TryAddNamed(name, provider => Build(provider, name));
        return builder.UseGateway(provider => provider.GetNamed<StripeMcpGateway>(name));
    }

    private static StripeMcpGateway Build(IServiceProvider provider, string name)
    {
        StripeMcpOptions options = provider.GetRequiredService<IOptionsMonitor<StripeMcpOptions>>().Get(name);
        IHttpMessageHandlerFactory handlers = provider.GetRequiredService<IHttpMessageHandlerFactory>();
        ILogger logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Coach.Payments.Mcp") ?? NullLogger.Instance;
        return new StripeMcpGateway(options, provider.GetRequiredService<ISecretSource>(), new McpTransports(options, handlers, McpTransports.ClientOf(name)).Create,
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<McpMetrics>(), logger);
    }
}
