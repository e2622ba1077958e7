using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Abstractions.Tests.Shared;

public class OptionsSectionTests
{
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection([new("Coach:X:A", "plain"), new("Coach:X:second:A", "named")]).Build())
        .BuildServiceProvider();

    [Theory]
    [InlineData(null, "plain")]
    [InlineData("", "plain")]
    [InlineData("second", "named")]
    [InlineData("third", null)]
    public void Find_ByName_StandsBehindTheSection(string? name, string? expected) =>
        Assert.Equal(expected, OptionsSection.Find(_services, "Coach:X", name)!["A"]);

    [Fact]
    public void Find_WithoutConfiguration_IsNull() =>
        Assert.Null(OptionsSection.Find(new ServiceCollection().BuildServiceProvider(), "Coach:X"));
}
