using Coach.Configuration.Yaml;

namespace Memo.Configuration;

/// <summary>The files of a folder to one checked snapshot.</summary>
internal static class SettingsReader
{
    private const decimal Micro = 1_000_000;

    /// <param name="read">The content of a file by its name; null if it is not there.</param>
    /// <param name="pathOf">How errors name a file.</param>
    /// <exception cref="YamlConfigurationException">A file cannot be used.</exception>
    public static MemoSettings Read(Func<string, string?> read, Func<string, string> pathOf)
    {
        var files = new Dictionary<string, ConfigReader>(StringComparer.Ordinal);
        foreach (string name in ConfigFiles.All)
        {
            string path = pathOf(name);
            string? text = read(name);
            if (text is null && name is "rubric" or "prompt")
            {
                throw new YamlConfigurationException(path, 0, "the file is not there. Create it.");
            }

            IReadOnlyList<YamlEntry> entries = text is null ? [] : CoachYaml.Read(text, path);
            ConfigFiles.Check(name, path, entries);
            files[name] = new ConfigReader(path, entries);
        }

        string language = files["prompt"].Text("default_language", "en", 16);
        return new MemoSettings
        {
            Rubric = RubricReader.Read(files["rubric"]),
            Context = files["prompt"].Text($"languages:{language}:context:context_text", 20_000),
            Request = files["prompt"].Text($"languages:{language}:request:request_text", 20_000),
            Auth = Auth(files["auth"]),
            Llm = Llm(files["llm"]),
            Uploads = new UploadSettings(
                files["backend"].Int("uploads:max_megabytes", 50, 1, 100) * 1024 * 1024,
                TimeSpan.FromHours(files["backend"].Int("uploads:keep_hours", 24, 1, 720))),
            Backup = new BackupSettings(
                files["database"].Bool("backup:enabled", true),
                TimeSpan.FromHours(files["database"].Int("backup:interval_hours", 24, 1, 168)),
                files["database"].Int("backup:keep", 7, 1, 365)),
            Log = new LogSettings(
                files["logging"].OneOf("format", "text", "text", "json") == "json",
                files["logging"].Int("retention_days", 30, 1, 365)),
            Alerts = Alerts(files["monitoring"]),
            Security = Security(files["security"]),
            AutosaveSeconds = files["frontend"].Int("autosave_interval", 30, 5, 600),
            Compression = files["performance"].Bool("compression", true),
        };
    }

    private static AuthSettings Auth(ConfigReader file)
    {
        const string limits = "security_settings:rate_limiting:";
        const string login = "authentication_methods:admin_authentication:";
        return new AuthSettings(
            TimeSpan.FromSeconds(file.Int("session_management:session_timeout", 3_600, 60, 86_400)),
            file.Int("session_management:max_sessions_per_user", 5, 1, 100),
            file.Int(login + "max_login_attempts", 5, 3, 20),
            TimeSpan.FromSeconds(file.Int(login + "lockout_duration", 900, 60, 86_400)),
            file.Int(limits + "requests_per_session_per_hour", 10, 1, 10_000),
            file.Int(limits + "logins_per_hour", 5, 1, 1_000),
            file.Int(limits + "requests_per_admin_per_hour", 100, 1, 100_000),
            file.Int(limits + "requests_per_minute", 60, 1, 100_000),
            file.Int("user_management:password_policy:min_length", 12, 8, 128));
    }

    private static LlmSettings Llm(ConfigReader file)
    {
        const string work = "performance_optimization:";
        const string costs = "cost_management:";
        const string fallback = "fallback_configuration:";
        return new LlmSettings
        {
            Provider = file.OneOf("provider:name", "claude", "claude", "openai"),
            Model = file.Text("provider:model", "claude-sonnet-5-5", 200),
            MaxTokens = file.Int("api_configuration:max_tokens", 4_000, 100, 8_000),
            MinLength = file.Int("request_settings:min_text_length", 10, 10, 1_000),
            MaxLength = file.Int("request_settings:max_text_length", 10_000, 1_000, 50_000),
            MaxTime = TimeSpan.FromSeconds(file.Int(work + "max_response_time", 60, 5, 300)),
            Concurrency = file.Int(work + "max_concurrent_requests", 5, 1, 50),
            QueueSize = file.Int(work + "request_queue_size", 10, 1, 1_000),
            Caching = file.Bool(work + "enable_response_caching", true),
            CacheLifetime = TimeSpan.FromSeconds(file.Int(work + "cache_ttl", 3_600, 1, 86_400)),
            CacheSize = file.Int(work + "cache_max_size", 1_000, 1, 100_000),
            Fallback = file.Bool(fallback + "enable_fallback", true),
            FallbackProvider = file.OneOf(fallback + "fallback_provider", "openai", "claude", "openai"),
            FallbackModel = file.Text(fallback + "fallback_model", "gpt-6-luna", 200),
            InputPrice = file.Number(costs + "price_input_per_million", 3, 0, 10_000),
            OutputPrice = file.Number(costs + "price_output_per_million", 15, 0, 10_000),
            RequestLimitMicro = (long)(file.Number(costs + "cost_limit_per_request", .5m, 0, 1_000) * Micro),
            DayLimitMicro = (long)(file.Number(costs + "cost_limit_per_day", 10, 0, 100_000) * Micro),
            MonthLimitMicro = (long)(file.Number(costs + "cost_limit_per_month", 100, 0, 1_000_000) * Micro),
            KeepRaw = file.Bool("debug_settings:store_raw_prompts", false),
            KeyAgeDays = file.Int("security:key_rotation_interval", 90, 1, 3_650),
        };
    }

    private static AlertSettings Alerts(ConfigReader file)
    {
        string url = file.Text("webhook_url", "");
        Uri? webhook = null;
        bool isHttp = url.Length > 0 && Uri.TryCreate(url, UriKind.Absolute, out webhook)
            && webhook.Scheme is "http" or "https";
        if (url.Length > 0 && !isHttp)
        {
            throw file.Fail("webhook_url", "webhook_url must be an absolute http or https URL.");
        }

        return new AlertSettings(
            webhook,
            TimeSpan.FromMinutes(file.Int("cooldown_minutes", 15, 1, 1_440)),
            (double)file.Number("thresholds:response_seconds", 5, .1m, 300),
            (double)file.Number("thresholds:error_percent", 5, 1, 100),
            (double)file.Number("thresholds:cpu_percent", 80, 1, 100),
            (double)file.Number("thresholds:memory_percent", 80, 1, 100),
            (double)file.Number("thresholds:disk_percent", 85, 1, 100));
    }

    private static SecuritySettings Security(ConfigReader file)
    {
        YamlEntry[] origins =
            [.. file.Entries.Where(entry => entry.Key.StartsWith("allowed_origins", StringComparison.OrdinalIgnoreCase))];
        foreach (YamlEntry origin in origins.Where(entry => !string.IsNullOrEmpty(entry.Value)))
        {
            bool isOrigin = Uri.TryCreate(origin.Value, UriKind.Absolute, out Uri? uri)
                && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == origin.Value;
            if (!isOrigin)
            {
                throw file.Fail(origin.Key, $"{origin.Key} must be an origin such as https://example.com, without a path.");
            }
        }

        return new SecuritySettings(
            [.. origins.Select(entry => entry.Value).OfType<string>().Where(value => value.Length > 0)],
            file.Int("hsts_days", 365, 0, 730));
    }
}
