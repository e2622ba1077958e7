using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Tests.Prices;

/// <summary>Prices that cannot be read stop the start, with the reason.</summary>
public sealed class PriceFileCheckTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{ "currency": "usd", "prices": [] }""")]
    [InlineData("""{ "version": 2, "currency": "usd", "prices": [] }""")]
    public void Start_WithAPriceFileThatCannotBeUsed_Fails(string? content)
    {
        string path = _folder.File("prices.json");
        if (content is not null)
        {
            File.WriteAllText(path, content);
        }

        using ServiceProvider provider = Build(path);
        OptionsValidationException failure =
            Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IStartupValidator>().Validate);
        Assert.Contains("Coach:Usage:PriceFile cannot be used: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_WithAPriceFile_ReadsIt()
    {
        string path = _folder.File("prices.json");
        File.WriteAllText(path, """{ "version": 1, "currency": "usd", "prices": [] }""");
        using ServiceProvider provider = Build(path);
        provider.GetRequiredService<IStartupValidator>().Validate();
        Assert.Equal("usd", provider.GetRequiredService<IPriceSource>().Current.Currency);
    }

    [Fact]
    public void Start_WithOtherSettingsThatAreWrong_SaysOnlyThose()
    {
        var services = new ServiceCollection();
        services.AddCoachUsage(options => options.Currency = "?");
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IStartupValidator>().Validate);
    }

    private static ServiceProvider Build(string path)
    {
        var services = new ServiceCollection();
        services.AddCoachUsage(options => options.PriceFile = path);
        return services.BuildServiceProvider();
    }
}
