using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Coach.Configuration.Yaml.Tests.Hosting;

public sealed class CoachYamlConfigurationProviderTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new();
    private readonly string _path;

    public CoachYamlConfigurationProviderTests() => _path = _folder.File("llm.yaml");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Build_AFile_StandsInItsSectionAndWinsOverEarlierSources()
    {
        File.WriteAllText(_path, "model: b\nlist: [1, 2]");
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Memo:Llm:Model", "a"), new("Memo:Llm:Other", "c")])
            .AddCoachYaml(_path, configure: yaml => yaml.Section = "Memo:Llm")
            .Build();
        Assert.Equal(("b", "c", "2"), (
            configuration["Memo:Llm:Model"], configuration["Memo:Llm:Other"], configuration["Memo:Llm:List:1"]));
        CoachYamlConfigurationProvider provider = Provider(configuration);
        Assert.Equal((1, 2, null), (
            provider.LineOf("memo:llm:model"), provider.LineOf("Memo:Llm:List:0"), provider.LineOf("Memo:Llm:Other")));
    }

    [Fact]
    public void Build_ReloadOnChange_LooksAtTheFile()
    {
        File.WriteAllText(_path, "a: 1");
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddCoachYaml(_path, reloadOnChange: true, configure: yaml => yaml.Time = _clock)
            .Build();
        File.WriteAllText(_path, "a: 2");
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("2", configuration["a"]);
    }

    [Fact]
    public void Build_NoFile_IsAnErrorUnlessOptional()
    {
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => new ConfigurationBuilder().AddCoachYaml(_path).Build());
        Assert.Equal($"{_path}: the file is not there. Create it, or name another.", exception.Message);
        Assert.Empty(new ConfigurationBuilder().AddCoachYaml(_path, optional: true).Build().AsEnumerable());
        Assert.Throws<YamlConfigurationException>(
            () => new ConfigurationBuilder().AddCoachYaml(_folder.Path).Build());
        Assert.Throws<ArgumentException>(() => new ConfigurationBuilder().AddCoachYaml(""));
    }

    [Fact]
    public void Build_AFileThatIsTooLarge_IsNotReadToItsEnd()
    {
        File.WriteAllText(_path, new string('#', 3_000_000));
        Assert.Throws<YamlConfigurationException>(() => new ConfigurationBuilder().AddCoachYaml(_path).Build());
    }

    [Fact]
    public void Build_BytesThatAreNoUtf8_AreRefusedWithTheirLine()
    {
        File.WriteAllBytes(_path, [.. "a: 1\nb: "u8, 0xE9, .. "\n"u8]);
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => new ConfigurationBuilder().AddCoachYaml(_path).Build());
        Assert.Equal((2, "the file is not UTF-8. Save it as UTF-8."), (exception.Line, exception.Reason));
    }

    [Fact]
    public void Build_AByteOrderMark_IsPassedOver()
    {
        File.WriteAllBytes(_path, [0xEF, 0xBB, 0xBF, .. "a: 1"u8]);
        Assert.Equal("1", new ConfigurationBuilder().AddCoachYaml(_path).Build()["a"]);
    }

    [Fact]
    public void Build_VariablesOfTheEnvironment_AreRead()
    {
        File.WriteAllText(_path, "path: ${PATH}\nother: ${COACH_NO_SUCH_VARIABLE:-d}");
        IConfigurationRoot configuration = new ConfigurationBuilder().AddCoachYaml(_path).Build();
        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), configuration["path"]);
        Assert.Equal("d", configuration["other"]);
    }

    [Fact]
    public async Task Reload_AChangedFile_IsInUseAfterOneInterval()
    {
        IConfigurationRoot configuration = Reloading("a: 1\nb: 2");
        int changes = 0;
        using IDisposable watch = ChangeToken.OnChange(configuration.GetReloadToken, () => changes++);
        File.WriteAllText(_path, "a: 3");
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal("1", configuration["a"]);
        _clock.Advance(TimeSpan.FromSeconds(.1));
        Assert.Equal(("3", null, 1), (configuration["a"], configuration["b"], changes));

        // Looked at and found the same: nobody is told.
        File.WriteAllText(_path, "a: 3");
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, changes);
        ComponentReport report = await Provider(configuration).CheckAsync();
        Assert.Equal((ComponentState.Healthy, "config-llm"), (report.State, Provider(configuration).Name));
    }

    [Theory]
    [InlineData("a: [")]
    [InlineData("a: ${COACH_NO_SUCH_VARIABLE}")]
    [InlineData("a: 1\na: 2")]
    [InlineData(null)]
    public async Task Reload_AnEditThatCannotBeUsed_LeavesTheLastGoodValues(string? edit)
    {
        IConfigurationRoot configuration = Reloading("a: 1");
        Write(edit);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("1", configuration["a"]);
        CoachYamlConfigurationProvider provider = Provider(configuration);
        YamlConfigurationException error = Assert.IsType<YamlConfigurationException>(provider.LastError);
        ComponentReport report = await provider.CheckAsync();
        Assert.Equal((ComponentState.Degraded, $"{error.Message} The last good file is in use."), (report.State, report.Description));

        // The same content as before the edit counts as mended.
        Write("a: 1");
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(provider.LastError);
        Write("a: 2");
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("2", configuration["a"]);

        void Write(string? text)
        {
            if (text is null)
            {
                File.Delete(_path);
            }
            else
            {
                File.WriteAllText(_path, text);
            }
        }
    }

    [Fact]
    public void Dispose_OfTheConfiguration_EndsTheLooking()
    {
        IConfigurationRoot configuration = Reloading("a: 1");
        Assert.Equal(1, _clock.PendingTimers);
        ((IDisposable)configuration).Dispose();
        Assert.Equal(0, _clock.PendingTimers);
    }

    private static CoachYamlConfigurationProvider Provider(IConfigurationRoot configuration) =>
        configuration.Providers.OfType<CoachYamlConfigurationProvider>().Single();

    private IConfigurationRoot Reloading(string text)
    {
        File.WriteAllText(_path, text);
        var options = new CoachYamlOptions { ReloadOnChange = true, Time = _clock };
        return new ConfigurationBuilder().Add(new CoachYamlConfigurationSource(_path, options)).Build();
    }
}
