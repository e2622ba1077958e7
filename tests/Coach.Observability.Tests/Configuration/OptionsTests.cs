using Coach.Abstractions;
using Coach.Observability.Configuration;
using Coach.Observability.Containers;
using Coach.Observability.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Tests.Configuration;

public sealed class OptionsTests
{
    [Fact]
    public void Deployment_Unset_HasTheContractsDefaults()
    {
        CoachDeploymentOptions options = Deployment([]);
        Assert.Equal((4096, 3), (options.MemoryMb, options.MaxContainers));
    }

    [Fact]
    public void Deployment_FromVariables_IsRead()
    {
        CoachDeploymentOptions options = Deployment(
            new() { ["MODAL_MEMORY_MB"] = "512", ["MODAL_MAX_CONTAINERS"] = "7" });
        Assert.Equal((512, 7), (options.MemoryMb, options.MaxContainers));
    }

    [Fact]
    public void Deployment_KeyAndVariable_TheKeyWins() =>
        Assert.Equal(
            1, Deployment(new() { ["MODAL_MEMORY_MB"] = "512", ["Coach:Deployment:MemoryMb"] = "1" }).MemoryMb);

    [Fact]
    public void Deployment_NotPositive_NamesEveryKeyValueAndRange()
    {
        var failure = Assert.Throws<OptionsValidationException>(
            () => Deployment(new() { ["Coach:Deployment:MemoryMb"] = "0", ["MODAL_MAX_CONTAINERS"] = "-3" }));
        Assert.Equal(
            [
                "Coach:Deployment:MemoryMb is 0; it must be between 1 and 2147483647.",
                "Coach:Deployment:MaxContainers (MODAL_MAX_CONTAINERS) is -3; it must be between 1 and 2147483647.",
            ],
            failure.Failures);
    }

    [Theory]
    [InlineData("lots")]
    [InlineData("4.5")]
    [InlineData("99999999999")]
    [InlineData("4096MB")]
    public void Deployment_NoNumber_NamesKeyValueAndRange(string text)
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Deployment(new() { ["MODAL_MEMORY_MB"] = text }));
        Assert.Equal(
            [
                $"Coach:Deployment:MemoryMb (MODAL_MEMORY_MB) is {text}; it must be a whole number between 1 and "
                + "2147483647.",
            ],
            failure.Failures);
    }

    [Fact]
    public void Observability_OutOfRange_ReportsEverythingTogether()
    {
        using ServiceProvider services = Services(new()
        {
            ["Coach:Observability:MetricPrefix"] = "My-App",
            ["Coach:Observability:MemoryPressureThreshold"] = "0.99",
            ["Coach:Observability:ReadingMaxAge"] = "00:02:00",
            ["Coach:Observability:FileSystemRoot"] = "here",
        });
        var failure = Assert.Throws<OptionsValidationException>(
            () => services.GetRequiredService<IOptions<CoachObservabilityOptions>>().Value);
        Assert.Equal(
            [
                "Coach:Observability:MetricPrefix is My-App; it must be 1 to 32 lower-case letters, digits and "
                + "single underscores, a letter first.",
                "Coach:Observability:ReadingMaxAge is 00:02:00; it must be between 00:00:00 and 00:01:00.",
                "Coach:Observability:MemoryPressureThreshold is 0.99; it must be between 0.1 and 0.95.",
                "Coach:Observability:FileSystemRoot is here; it must be an absolute path.",
            ],
            failure.Failures);
    }

    [Theory]
    [InlineData("coach", true)]
    [InlineData("maya", true)]
    [InlineData("a1_b2", true)]
    [InlineData("", false)]
    [InlineData("1a", false)]
    [InlineData("a__b", false)]
    [InlineData("a_", false)]
    [InlineData("A", false)]
    [InlineData("a\n", false)]
    [InlineData("abcdefghijklmnopqrstuvwxyzabcdefg", false)]
    public void MetricPrefix_IsOneOrMoreWords(string prefix, bool isValid) => Assert.Equal(
        isValid, new CoachObservabilityOptionsValidator().Validate(null, new CoachObservabilityOptions { MetricPrefix = prefix }).Succeeded);

    [Fact]
    public void AddCoachObservability_Twice_RegistersOnce()
    {
        using ServiceProvider services = Services([], twice: true);
        Assert.Single(services.GetServices<IComponentHealth>());
        Assert.Single(
            services.GetServices<Microsoft.Extensions.Hosting.IHostedService>(),
            service => service is ObservabilityStart);
        Assert.Same(services.GetRequiredService<IMemoryPressure>(), services.GetRequiredService<MemoryPressure>());
    }

    private static CoachDeploymentOptions Deployment(Dictionary<string, string?> settings)
    {
        using ServiceProvider services = Services(settings);
        return services.GetRequiredService<IOptions<CoachDeploymentOptions>>().Value;
    }

    private static ServiceProvider Services(Dictionary<string, string?> settings, bool twice = false)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddSingleton(typeof(Microsoft.Extensions.Logging.ILogger<>), typeof(NullLogger<>));
        services.AddCoachObservability();
        if (twice)
        {
            services.AddCoachObservability();
        }

        return services.BuildServiceProvider();
    }
}
