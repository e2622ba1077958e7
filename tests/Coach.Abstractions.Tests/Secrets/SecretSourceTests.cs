using Coach.Abstractions.Secrets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Abstractions.Tests.Secrets;

public sealed class SecretSourceTests : IDisposable
{
    private const string Canary = "canary-5d0a";
    private readonly TempFolder _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TryGet_FromConfiguration_BeatsTheFile()
    {
        File.WriteAllText(_directory.File("A_KEY"), "from-file");
        Assert.Equal("from-configuration", Get("A_KEY", ("A_KEY", "from-configuration")));
    }

    [Fact]
    public void TryGet_FromAFile_TrimsTheTrailingNewline()
    {
        File.WriteAllText(_directory.File("A_KEY"), Canary + "\n");
        Assert.Equal(Canary, Get("A_KEY"));
    }

    [Fact]
    public void TryGet_AgainAndAgain_SeesEachRotationAndMakesNoNewSecretWithoutOne()
    {
        var source = new SecretSource(new SecretManifest(), null, _directory.Path);
        string path = _directory.File("A_KEY");
        File.WriteAllText(path, "first");
        Assert.True(source.TryGet("A_KEY", out Secret? first));
        Assert.True(source.TryGet("A_KEY", out Secret? same));
        Assert.Same(first, same);
        File.WriteAllText(path, "second");
        Assert.True(source.TryGet("A_KEY", out Secret? second));
        Assert.Equal("second", second.Reveal());
        File.Delete(path);
        Assert.False(source.TryGet("A_KEY", out _));
        File.WriteAllText(path, "first");
        Assert.True(source.TryGet("A_KEY", out Secret? back));
        Assert.Equal(first, back);
    }

    [Fact]
    public void TryGet_FromTheEnvironment_WithoutAnyConfiguration()
    {
        const string Name = "COACH_TEST_SECRET_FROM_ENVIRONMENT";
        Environment.SetEnvironmentVariable(Name, Canary);
        try
        {
            Assert.True(new SecretSource(new SecretManifest(), null, _directory.Path).TryGet(Name, out Secret? secret));
            Assert.Equal(Canary, secret.Reveal());
        }
        finally
        {
            Environment.SetEnvironmentVariable(Name, null);
        }
    }

    [Fact]
    public void TryGet_LegacyName_IsTriedAfterTheName()
    {
        SecretManifest manifest = new SecretManifest().Optional("NEW_KEY").Alias("NEW_KEY", "OLD_KEY");
        Assert.Equal("old", Read(manifest, ("OLD_KEY", "old")));
        Assert.Equal("new", Read(manifest, ("OLD_KEY", "old"), ("NEW_KEY", "new")));

        string? Read(SecretManifest declared, params (string, string)[] values) =>
            new SecretSource(declared, Configuration(values), _directory.Path).TryGet("NEW_KEY", out Secret? secret) ? secret.Reveal() : null;
    }

    [Theory]
    [InlineData("../A_KEY")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void TryGet_ANameThatIsAPath_ReadsNoFile(string name) => Assert.Null(Get(name));

    [Fact]
    public void TryGet_HugeOrDirectoryEntry_IsNoSecret()
    {
        File.WriteAllText(_directory.File("HUGE"), new string('x', SecretSource.MaxFileBytes + 1));
        Directory.CreateDirectory(_directory.File("FOLDER"));
        Assert.Null(Get("HUGE"));
        Assert.Null(Get("FOLDER"));
        Assert.Null(Get("BLANK", ("BLANK", "   ")));
    }

    [Fact]
    public void Get_InMockMode_RefusesEvenAPresentSecret()
    {
        var source = new SecretSource(new SecretManifest(), Configuration([("A_KEY", Canary)]), _directory.Path);
        SecretException error = Assert.Throws<SecretException>(() => source.Get("A_KEY", RunMode.Mock));
        Assert.Equal("ERR_MISSING_SECRET: mock mode reads no secrets, so 'A_KEY' was refused. Run in real mode to use it.", error.Message);
        Assert.Equal(Canary, source.Get("A_KEY", RunMode.Real).Reveal());
    }

    [Fact]
    public async Task StartAsync_SeveralMissing_ReportsAllNamesAtOnceAndNoValue()
    {
        using IHost host = Host("real", ("C_KEY", Canary), s => s.Manifest.Require("A_KEY", "B_KEY", "C_KEY").Optional("D_KEY"));
        SecretException error = await Assert.ThrowsAsync<SecretException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        Assert.Equal(ErrorCodes.MissingSecret, error.Code);
        Assert.False(error.IsTransient);
        Assert.Equal(["A_KEY", "B_KEY"], error.Names);
        Assert.Equal(
            "ERR_MISSING_SECRET: no value for A_KEY, B_KEY. Set the environment variable of that name, the configuration key of that "
            + "name, or mount the file /run/secrets/NAME.", error.Message);
    }

    [Theory]
    [InlineData("mock")]
    [InlineData("auto")]
    public async Task StartAsync_NotARealHost_NeedsNoSecret(string mode)
    {
        using IHost host = Host(mode, ("X", "y"), s => s.Manifest.Require("A_KEY"));
        await host.StartAsync(TestContext.Current.CancellationToken);
        Assert.False(host.Services.GetRequiredService<ISecretSource>().TryGet("A_KEY", out _));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task StartAsync_UnknownMode_SaysWhichAreAllowed()
    {
        using IHost host = Host("turbo", ("X", "y"), _ => { });
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Coach:Mode is turbo; it must be auto, mock or real.", error.Message);
    }

    private string? Get(string name, params (string, string)[] values) =>
        new SecretSource(new SecretManifest(), Configuration(values), _directory.Path).TryGet(name, out Secret? secret) ? secret.Reveal() : null;

    private static IConfiguration Configuration((string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Key, (string?)value.Value))).Build();

    private IHost Host(string mode, (string Key, string Value) value, Action<CoachSecretOptions> configure)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([new("Coach:Mode", mode), new(value.Key, value.Value)]);
        builder.Services.AddCoachSecrets(options =>
        {
            options.Directory = _directory.Path;
            configure(options);
        });
        return builder.Build();
    }
}
