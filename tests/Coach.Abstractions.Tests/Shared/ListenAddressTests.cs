using Microsoft.Extensions.Configuration;

namespace Coach.Abstractions.Tests.Shared;

/// <summary>Where a host listens, from all the ways in which people say it.</summary>
public sealed class ListenAddressTests
{
    [Theory]
    [InlineData(null, null, "http://127.0.0.1:8080")]
    [InlineData("", " ", "http://127.0.0.1:8080")]
    [InlineData(" 0.0.0.0 ", " 9000 ", "http://0.0.0.0:9000")]
    [InlineData("localhost", "0", "http://localhost:0")]
    [InlineData("*", "80", "http://*:80")]
    [InlineData("::1", "8080", "http://[::1]:8080")]
    [InlineData("[::]", "8080", "http://[::]:8080")]
    public void Read_HostAndPort_AreTheAddress(string? host, string? port, string address)
    {
        Assert.Equal((address, ""), Read(("HOST", host), ("PORT", port)));
    }

    [Theory]
    [InlineData("urls", "http://127.0.0.1:5000")]
    [InlineData("Kestrel:Endpoints:Http:Url", "http://127.0.0.1:5000")]
    public void Read_AnAddressOfTheServersOwnKeys_Wins(string key, string value)
    {
        Assert.Equal((null, ""), Read((key, value), ("HOST", "0.0.0.0"), ("PORT", "9000")));
    }

    [Theory]
    [InlineData("http_ports")]
    [InlineData("https_ports")]
    public void Read_ThePortsOfABaseImage_HoldOnlyWithoutHostAndPort(string key)
    {
        Assert.Equal((null, ""), Read((key, "8080")));
        Assert.Equal(("http://127.0.0.1:9000", ""), Read((key, "8080"), ("PORT", "9000")));
        Assert.Equal(("http://0.0.0.0:8080", ""), Read((key, "8080"), ("HOST", "0.0.0.0")));
    }

    // The server would take each of these for every address of the machine.
    [Theory]
    [InlineData("loclahost")]
    [InlineData("x86_64-conda-linux-gnu")]
    [InlineData("127.0.0.0.1")]
    [InlineData("127.0.0.1:80")]
    [InlineData("[::1]:80")]
    [InlineData("http://127.0.0.1")]
    public void Read_AHostThatIsNoAddress_IsAProblem(string host)
    {
        Assert.Equal(
            ("http://127.0.0.1:8080",
                $"HOST is {host}; it must be an IP address of this machine, localhost, or * for every address."),
            Read(("HOST", host)));
    }

    [Theory]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("+80")]
    [InlineData("8080.0")]
    [InlineData("٨٠٨٠")]
    public void Read_APortThatIsNone_IsAProblem(string port)
    {
        Assert.Equal(
            ("http://127.0.0.1:8080", $"PORT is {port}; it must be between 0 and 65535."), Read(("PORT", port)));
    }

    private static (string? Address, string Problems) Read(params (string Key, string? Value)[] settings)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(each => KeyValuePair.Create(each.Key, each.Value)))
            .Build();
        var problems = new List<WrongSetting>();
        string? address = ListenAddress.Read(configuration, problems);
        return (address, string.Join(' ', problems.Select(wrong => $"{wrong.Name} is {wrong.Value}; it {wrong.Rule}.")));
    }
}
