using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace Coach;

// Where a host listens: the keys of ASP.NET Core, or the address that HOST and PORT make. The base images of ASP.NET
// Core set ASPNETCORE_HTTP_PORTS; it holds only where neither of the two is set. (No XML comments: the generator of
// OpenAPI comments takes each one once, and hosts link this file that use packages that do.)
internal static class ListenAddress
{
    // The address of HOST and PORT, 127.0.0.1 and 8080 unless set; null where other keys name one.
    public static string? Read(IConfiguration configuration, ICollection<WrongSetting> problems)
    {
        bool isNamed = IsSet(configuration, "urls")
            || configuration.GetSection("Kestrel:Endpoints").GetChildren().Any();
        bool isChosen = IsSet(configuration, "HOST") || IsSet(configuration, "PORT");
        bool hasPorts = IsSet(configuration, "http_ports") || IsSet(configuration, "https_ports");
        return isNamed || (hasPorts && !isChosen)
            ? null
            : Of(configuration["HOST"], configuration["PORT"], problems);
    }

    public static string Of(string? host, string? port, ICollection<WrongSetting> problems)
    {
        string name = string.IsNullOrWhiteSpace(host) ? "127.0.0.1" : host.Trim();
        string number = string.IsNullOrWhiteSpace(port) ? "8080" : port.Trim();

        // The server takes a name that it does not know for every address of the machine.
        if (!IsAddress(name))
        {
            problems.Add(new WrongSetting(
                "HOST", name, "must be an IP address of this machine, localhost, or * for every address"));
            name = "127.0.0.1";
        }

        if (!ushort.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            problems.Add(new WrongSetting("PORT", number, "must be between 0 and 65535"));
            number = "8080";
        }

        bool isBareIPv6 = name.Contains(':', StringComparison.Ordinal) && !name.StartsWith('[');
        return isBareIPv6 ? $"http://[{name}]:{number}" : $"http://{name}:{number}";
    }

    private static bool IsSet(IConfiguration configuration, string key) =>
        !string.IsNullOrWhiteSpace(configuration[key]);

    private static bool IsAddress(string name) =>
        name is "*" or "+"
        || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(name, out _) && name.StartsWith('[') == name.EndsWith(']')); // no port behind it
}

// A variable that cannot be used, its value as it was given (it may be a key in the wrong place), and what it must be.
internal readonly record struct WrongSetting(string Name, string Value, string Rule);
