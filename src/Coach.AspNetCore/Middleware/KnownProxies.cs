using System.Net;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>Reads <c>Coach:Proxy</c>, and makes of it what the framework's middleware needs.</summary>
internal sealed class KnownProxies(
    IConfiguration configuration) : IConfigureOptions<CoachProxyOptions>, IValidateOptions<CoachProxyOptions>
{
    private const string Key = "Coach:Proxy:KnownProxies";

    private static readonly char[] Separators = [',', ';', ' '];

    public void Configure(CoachProxyOptions options)
    {
        IConfigurationSection section = configuration.GetSection(Key);
        foreach (string? value in section.GetChildren().Select(child => child.Value).Prepend(section.Value))
        {
            foreach (string proxy in (value ?? "").Split(Separators, StringSplitOptions.RemoveEmptyEntries))
            {
                options.KnownProxies.Add(proxy);
            }
        }
    }

    public ValidateOptionsResult Validate(string? name, CoachProxyOptions options)
    {
        var check = new OptionsCheck("Coach:Proxy", name);
        foreach (string proxy in options.KnownProxies)
        {
            check.That(
                IPAddress.TryParse(proxy, out _) || System.Net.IPNetwork.TryParse(proxy, out _),
                $"{Key} holds {proxy}; it must be an address such as 10.0.0.5 or a network such as 10.0.0.0/8.");
        }

        return check.Result();
    }

    /// <summary>What the middleware needs; null where there is no proxy.</summary>
    public static ForwardedHeadersOptions? For(CoachProxyOptions options)
    {
        if (options.KnownProxies.Count == 0)
        {
            return null;
        }

        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders =
                ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = null, // as far back as every hop is a known proxy
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (string proxy in options.KnownProxies)
        {
            if (IPAddress.TryParse(proxy, out IPAddress? address))
            {
                forwarded.KnownProxies.Add(address);
            }
            else
            {
                forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(proxy));
            }
        }

        return forwarded;
    }
}
