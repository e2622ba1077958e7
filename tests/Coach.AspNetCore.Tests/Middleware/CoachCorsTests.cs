using Coach.AspNetCore.Middleware;
using Microsoft.Extensions.Configuration;

namespace Coach.AspNetCore.Tests.Middleware;

public sealed class CoachCorsTests
{
    [Theory]
    [InlineData("*")]
    [InlineData("app.example.com")]
    [InlineData("https://app.example.com/path")]
    [InlineData("ftp://app.example.com")]
    [InlineData("null")]
    public void Validate_WhatIsNoOrigin_SaysWhatOneIs(string origin)
    {
        (CoachCors cors, CoachCorsOptions options) = Read(("Coach:Cors:AllowedOrigins", origin));
        Assert.Equal(
            [$"Coach:Cors:AllowedOrigins holds {origin}; it must be an origin such as https://app.example.com."],
            cors.Validate(null, options).Failures);
    }

    [Fact]
    public void Configure_AListOrOneValue_HoldsAllOrigins()
    {
        (CoachCors cors, CoachCorsOptions options) = Read(("Coach:Cors:AllowedOrigins", "https://a.example, http://b.example:81/"));
        Assert.Equal(["https://a.example", "http://b.example:81/"], options.AllowedOrigins);
        Assert.True(cors.Validate(null, options).Succeeded);
        (_, options) = Read(("Coach:Cors:AllowedOrigins:0", "https://a.example"), ("Coach:Cors:AllowedOrigins:1", "https://b.example"));
        Assert.Equal(["https://a.example", "https://b.example"], options.AllowedOrigins);
    }

    [Fact]
    public void Validate_MoreThanAHundred_Refuses()
    {
        string many = string.Join(',', Enumerable.Range(0, 101).Select(n => $"https://a{n}.example"));
        (CoachCors cors, CoachCorsOptions options) = Read(("Coach:Cors:AllowedOrigins", many));
        Assert.Equal(
            ["Coach:Cors:AllowedOrigins holds 101 origins; it must be at most 100."],
            cors.Validate(null, options).Failures);
    }

    private static (CoachCors Cors, CoachCorsOptions Options) Read(params (string Key, string Value)[] settings)
    {
        var cors = new CoachCors(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value))
            .Build());
        var options = new CoachCorsOptions();
        cors.Configure(options);
        return (cors, options);
    }
}
