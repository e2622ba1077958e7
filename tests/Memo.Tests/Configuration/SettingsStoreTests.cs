using Coach.Abstractions;
using Coach.Configuration.Yaml;
using Coach.Testing;
using Memo.Configuration;

namespace Memo.Tests.Configuration;

public sealed class SettingsStoreTests : IDisposable
{
    private static readonly string Shipped = Path.Combine(AppContext.BaseDirectory, "config");

    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_AnEmptyFolder_GetsTheShippedFiles()
    {
        using SettingsStore store = SettingsStore.Open(_folder.Path, Shipped, _clock);
        Assert.Equal(100, store.Current.Rubric.Criteria.Sum(criterion => criterion.Weight));
        Assert.Equal((5, 10), (store.Current.Llm.Concurrency, store.Current.Llm.QueueSize));
        Assert.Equal((500_000, 10_000_000, 100_000_000), (
            store.Current.Llm.RequestLimitMicro, store.Current.Llm.DayLimitMicro, store.Current.Llm.MonthLimitMicro));
        Assert.Equal(ConfigFiles.All.Order(), Directory.GetFiles(_folder.Path).Select(Path.GetFileNameWithoutExtension).Order());
    }

    [Fact]
    public async Task Watch_AnEdit_IsInUseWithinFiveSeconds_AndABrokenOneIsNot()
    {
        using SettingsStore store = SettingsStore.Open(_folder.Path, Shipped, _clock);
        store.Watch();
        Edit("llm", "performance_optimization: {max_response_time: 30}");
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(30), store.Current.Llm.MaxTime);

        string[] broken = ["performance_optimization: {max_response_time: 1000}", "a: [", "a: 1\na: 2", "a:\n\tb: 1", "unknown: 1", "- x"];
        foreach (string text in broken)
        {
            Edit("llm", text);
            _clock.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(TimeSpan.FromSeconds(30), store.Current.Llm.MaxTime);
            ComponentReport report = await store.CheckAsync();
            Assert.Equal(ComponentState.Degraded, report.State);
            Assert.Contains("llm.yaml:", report.Description, StringComparison.Ordinal);
            Assert.EndsWith("The last good configuration is in use.", report.Description, StringComparison.Ordinal);
        }

        File.Delete(_folder.File("rubric.yaml"));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.NotEmpty(store.Current.Rubric.Criteria);
        File.Copy(Path.Combine(Shipped, "rubric.yaml"), _folder.File("rubric.yaml"));
        Edit("llm", "performance_optimization: {max_response_time: 40}");
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((TimeSpan.FromSeconds(40), null), (store.Current.Llm.MaxTime, store.LastError));
        Assert.Equal(ComponentState.Healthy, (await store.CheckAsync()).State);
    }

    [Fact]
    public void Watch_AnEditOfWhatIsReadAtStart_ChangesNothing()
    {
        using SettingsStore store = SettingsStore.Open(_folder.Path, Shipped, _clock);
        store.Watch();
        Edit("frontend", "autosave_interval: 99");
        Edit("auth", "session_management: {session_timeout: 120}");
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((30, TimeSpan.FromMinutes(2)), (store.Current.AutosaveSeconds, store.Current.Auth.SessionTimeout));
    }

    [Theory]
    [InlineData("llm", "api_configuration:\n  api_key: ${CLAUDE_API_KEY:-x}", 2, "set ANTHROPIC_API_KEY")]
    [InlineData("llm", "provider:\n  name: claude\n  api_base_url: https://api.anthropic.com", 3, "set Coach__Llm__Anthropic__BaseUrl")]
    [InlineData("llm", "fallback_configuration:\n  fallback_conditions:\n    - timeout_error", 3, "transient failures move on")]
    [InlineData("auth", "session_storage:\n  redis_storage:\n    enabled: false", 3, "sessions are kept in the database")]
    [InlineData("auth", "admin_credentials:\n  default_admin:\n    username: admin", 3, "set MEMO_ADMIN_USERNAME")]
    [InlineData("prompt", "confidence_threshold: 0.7", 1, "the models give no confidence")]
    [InlineData("database", "database:\n  url: sqlite:///data/memoai.db", 2, "the database is SQLite in the data folder")]
    [InlineData("backend", "server:\n  port: 8000", 2, "set HOST, PORT and COACH_MODE")]
    [InlineData("monitoring", "prometheus: {port: 9090}", 1, "metrics are at /metrics")]
    public void Open_AKeyOfTheOriginalThatHasNoEffect_IsRefusedWithWhatReplacesIt(string name, string text, int line, string instead)
    {
        Edit(name, text);
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => SettingsStore.Open(_folder.Path, Shipped, _clock));
        Assert.Equal((_folder.File(name + ".yaml"), line), (exception.File, exception.Line));
        Assert.Contains("has no effect here. Remove it: ", exception.Reason, StringComparison.Ordinal);
        Assert.Contains(instead, exception.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deployment.yaml", "Remove it: the README lists the variables")]
    [InlineData("response_template.yaml", "Remove it: the answer's schema is the host's")]
    [InlineData("rubrics_example.yaml", "Remove it: its content stands in rubric.yaml")]
    [InlineData("other.yaml", "Remove it: the files are rubric, prompt, llm, auth")]
    [InlineData("llm.yml", "Name it llm.yaml.")]
    [InlineData("LLM.YML", "Name it LLM.yaml.")]
    [InlineData("Llm.yaml", "this file is not read")]
    [InlineData("llm.YAML", "this file is not read")]
    public void Open_AFileThatIsNotRead_IsRefused(string name, string said)
    {
        File.WriteAllText(_folder.File(name), "a: 1");
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => SettingsStore.Open(_folder.Path, Shipped, _clock));
        Assert.Equal(_folder.File(name), exception.File);
        Assert.Contains("this file is not read. ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(said, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a file without anything", "")]
    [InlineData("a comment", "# nothing\n")]
    [InlineData("a document's begin", "---\n")]
    [InlineData("a byte order mark", "\ufeffprovider: {name: openai}")]
    [InlineData("line ends of Windows", "provider:\r\n  name: openai\r\n  model: x\r\n")]
    [InlineData("an anchor", "provider: &p\n  name: openai\n  model: &m x\nfallback_configuration:\n  fallback_model: *m\n")]
    [InlineData("a number as text", "performance_optimization:\n  cache_ttl: \"60\"\n  max_response_time: '30'\n")]
    [InlineData("a number that is a default", "performance_optimization: {cache_ttl: \"${MEMO_NOT_SET:-60}\"}")]
    [InlineData("a default with colons", "provider:\n  model: ${MEMO_NOT_SET:-claude:2026:x}\n")]
    [InlineData("a truth as YAML writes it", "fallback_configuration: {enable_fallback: TRUE}")]
    public void Open_AnEditThatIsFine_IsInUse(string what, string text)
    {
        Edit("llm", text);
        using SettingsStore store = SettingsStore.Open(_folder.Path, Shipped, _clock);
        Assert.True(store.LastError is null, what);
        if (text.Contains("openai", StringComparison.Ordinal))
        {
            Assert.Equal("openai", store.Current.Llm.Provider);
        }

        if (text.Contains("60", StringComparison.Ordinal))
        {
            Assert.Equal(TimeSpan.FromMinutes(1), store.Current.Llm.CacheLifetime);
        }

        if (text.Contains("2026", StringComparison.Ordinal))
        {
            Assert.Equal("claude:2026:x", store.Current.Llm.Model);
        }
    }

    [Theory]
    [InlineData("llm", "provider: claude", 1, "'provider'")]
    [InlineData("llm", "provider: [claude]", 1, "'provider:0'")]
    [InlineData("llm", "- provider: claude", 1, "the file must begin with a mapping")]
    [InlineData("llm", "provider:\n  name: [claude]", 2, "'provider:name:0'")]
    [InlineData("llm", "provider:\n  name: {first: claude}", 2, "'provider:name:first'")]
    [InlineData("llm", "provider:\n  name: claude\nprovider:\n  name: openai", 3, "stands on line 1 already")]
    [InlineData("llm", "provider:\n\tname: claude", 2, "a tab indents this line")]
    [InlineData("llm", "provider:\n  model: ${MEMO_NOT_SET}", 2, "the variable MEMO_NOT_SET is not set")]
    [InlineData("llm", "x: &x {name: claude}\nprovider:\n  <<: *x", 1, "'x:name'")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: sixty", 2, "must be a whole number")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: 60.5", 2, "must be a whole number")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: 1_000", 2, "must be a whole number")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: 0x10", 2, "must be a whole number")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: .inf", 2, "must be a whole number")]
    [InlineData("llm", "performance_optimization:\n  cache_ttl: -1", 2, "between 1 and 86400")]
    [InlineData("llm", "fallback_configuration:\n  enable_fallback: yes", 2, "must be true or false")]
    [InlineData("llm", "fallback_configuration:\n  enable_fallback: 1", 2, "must be true or false")]
    [InlineData("auth", "environment_specific:\n  development:\n    debug_mode: true", 3, "set AUTH_ENABLED, COACH_MODE and LOG_LEVEL")]
    [InlineData("security", "allowed_origins: https://a.example, https://b.example", 1, "allowed_origins")]
    [InlineData("frontend", "autosave_interval: [30]", 1, "'autosave_interval:0'")]
    public void Open_AnEditThatIsNot_IsRefusedWithFileAndLine(string name, string text, int line, string said)
    {
        Edit(name, text);
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => SettingsStore.Open(_folder.Path, Shipped, _clock));
        Assert.Equal((_folder.File(name + ".yaml"), line), (exception.File, exception.Line));
        Assert.Contains(said, exception.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(99)]
    [InlineData(101)]
    public void Rubric_WeightsThatDoNotAddUp_AreRefused(int sum)
    {
        Edit("rubric", $$"""
            rubric:
              name: x
              criteria:
                - {name: a, weight: 50, scoring_guidance: {1: a, 2: b, 3: c, 4: d, 5: e} }
                - {name: b, weight: {{sum - 50}}, scoring_guidance: {1: a, 2: b, 3: c, 4: d, 5: e} }
            """);
        YamlConfigurationException exception = Assert.Throws<YamlConfigurationException>(
            () => SettingsStore.Open(_folder.Path, Shipped, _clock));
        Assert.Equal($"the weights add up to {sum}; they must add up to 100.", exception.Reason);
    }

    [Fact]
    public void Readme_HasEveryKeyThatWorksAndEveryOneThatIsReplaced()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Coach.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        string readme = File.ReadAllText(Path.Combine(folder!, "samples", "Memo", "README.md"));
        Assert.Empty(ConfigFiles.All.SelectMany(ConfigFiles.KeysOf).Where(key => !readme.Contains(key, StringComparison.Ordinal)));
        Assert.Empty(ConfigFiles.Refused.Where(each => !readme.Contains(each.Instead, StringComparison.Ordinal)).Select(each => each.Instead));
    }

    private void Edit(string name, string text) => File.WriteAllText(_folder.File(name + ".yaml"), text);
}
