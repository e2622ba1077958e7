using Coach.Abstractions;
using Coach.Payments.Gateways;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Payments.Hosting;

/// <summary>Where a registration's records lie. Where real money moves and the host names no place, they lie beside the
/// host's data: payments arrive days after their link was made.</summary>
internal static class StorePaths
{
    /// <summary>The records' file; null where they may be forgotten with the process.</summary>
    public static string? Of(IServiceProvider provider, object? key)
    {
        string name = key as string ?? "";
        CoachPaymentsOptions options = provider.GetRequiredService<IOptionsMonitor<CoachPaymentsOptions>>().Get(name);
        if (options.StorePath is { } path)
        {
            return path;
        }

        bool isLive = provider.GetRequiredService<IOptions<CoachHostOptions>>().Value.Mode != HostMode.Mock
            && provider.GetRequiredKeyedService<IPaymentGateway>(key).Mode == GatewayMode.Live;
        string file = name.Length == 0 ? "payments.journal" : $"payments-{name}.journal";
        return isLive ? Path.Combine(Folder(provider), file) : null;
    }

    // The index file is the one thing of a host's that Coach keeps on disk anyway.
    private static string Folder(IServiceProvider provider)
    {
        string? index = provider.GetService<IConfiguration>()?["Coach:Rag:IndexFile"];
        if (!string.IsNullOrWhiteSpace(index))
        {
            return Path.GetDirectoryName(Path.GetFullPath(index))!;
        }

        string data = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        string application = provider.GetService<IHostEnvironment>()?.ApplicationName is { Length: > 0 } named
            ? named
            : AppDomain.CurrentDomain.FriendlyName;
        return Path.Combine(
            data.Length > 0 ? data : AppContext.BaseDirectory, "coach",
            string.Concat(application.Select(static c => char.IsLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_')));
    }
}
