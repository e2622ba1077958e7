using Coach.Configuration.Yaml;

namespace Memo.Configuration;

/// <summary>
/// The files of the configuration folder: which there are, which keys each may hold, and what is said of a key that the
/// original system knew and this one replaces.
/// </summary>
internal static class ConfigFiles
{
    /// <summary>The files that are read again when they change, and that an admin may edit.</summary>
    public static readonly string[] Editable = ["rubric", "prompt", "llm", "auth"];

    /// <summary>The files that are read at start.</summary>
    public static readonly string[] System =
        ["security", "frontend", "backend", "database", "logging", "monitoring", "performance"];

    // Keys that work. A star stands for one part of a key.
    private static readonly Dictionary<string, string[]> Known = new(StringComparer.Ordinal)
    {
        ["rubric"] =
        [
            "rubric:name", "rubric:description", "rubric:total_weight", "rubric:scoring_scale", "rubric:criteria:*:id",
            "rubric:criteria:*:name", "rubric:criteria:*:description", "rubric:criteria:*:weight",
            "rubric:criteria:*:scoring_guidance:*", "frameworks:*",
        ],
        ["prompt"] =
            ["default_language", "languages:*:context:context_text", "languages:*:request:request_text"],
        ["auth"] =
        [
            "session_management:session_timeout", "session_management:max_sessions_per_user",
            "authentication_methods:admin_authentication:max_login_attempts",
            "authentication_methods:admin_authentication:lockout_duration",
            "security_settings:rate_limiting:requests_per_session_per_hour",
            "security_settings:rate_limiting:logins_per_hour",
            "security_settings:rate_limiting:requests_per_admin_per_hour",
            "security_settings:rate_limiting:requests_per_minute", "user_management:password_policy:min_length",
        ],
        ["llm"] =
        [
            "provider:name", "provider:model", "api_configuration:max_tokens", "request_settings:min_text_length",
            "request_settings:max_text_length", "performance_optimization:max_response_time",
            "performance_optimization:max_concurrent_requests", "performance_optimization:request_queue_size",
            "performance_optimization:enable_response_caching", "performance_optimization:cache_ttl",
            "performance_optimization:cache_max_size", "fallback_configuration:enable_fallback",
            "fallback_configuration:fallback_provider", "fallback_configuration:fallback_model",
            "cost_management:price_input_per_million", "cost_management:price_output_per_million",
            "cost_management:cost_limit_per_request", "cost_management:cost_limit_per_day",
            "cost_management:cost_limit_per_month", "debug_settings:store_raw_prompts",
            "security:key_rotation_interval",
        ],
        ["security"] = ["allowed_origins", "allowed_origins:*", "hsts_days"],
        ["frontend"] = ["autosave_interval"],
        ["backend"] = ["uploads:max_megabytes", "uploads:keep_hours"],
        ["database"] = ["backup:enabled", "backup:interval_hours", "backup:keep"],
        ["logging"] = ["format", "retention_days"],
        ["monitoring"] =
        [
            "webhook_url", "cooldown_minutes", "thresholds:response_seconds", "thresholds:error_percent",
            "thresholds:cpu_percent", "thresholds:memory_percent", "thresholds:disk_percent",
        ],
        ["performance"] = ["compression"],
    };

    // Keys of the original system, by their beginning, with what stands in their place. The longest beginning counts.
    private static readonly (string File, string Prefix, string Instead)[] Replaced =
    [
        ("auth", "session_management", "sessions are random 256-bit tokens, cleaned up by themselves, in cookies that are always HttpOnly and Lax"),
        ("auth", "authentication_methods:session_based", "set AUTH_ENABLED=true or false in the environment"),
        ("auth", "authentication_methods:admin_authentication:password", "set user_management:password_policy:min_length"),
        ("auth", "authentication_methods:admin_authentication", "lockout is always on; set max_login_attempts and lockout_duration"),
        ("auth", "security_settings:csrf_protection", "CSRF tokens are always asked for, in the header X-CSRF-Token"),
        ("auth", "security_settings:rate_limiting", "set requests_per_minute, logins_per_hour, requests_per_session_per_hour or requests_per_admin_per_hour"),
        ("auth", "security_settings", "these protections are always on"),
        ("auth", "admin_credentials", "set MEMO_ADMIN_USERNAME and MEMO_ADMIN_PASSWORD for the first admin"),
        ("auth", "session_storage", "sessions are kept in the database"),
        ("auth", "user_management", "set user_management:password_policy:min_length; admins create people"),
        ("auth", "error_handling", "messages belong to the API's problem documents"),
        ("auth", "security_monitoring", "see monitoring.yaml, and the audit log"),
        ("auth", "environment_specific", "set AUTH_ENABLED, COACH_MODE and LOG_LEVEL in the environment"),
        ("llm", "provider:api_base_url", "set Coach__Llm__Anthropic__BaseUrl in the environment"),
        ("llm", "provider:api_version", "set Coach__Llm__Anthropic__Version in the environment"),
        ("llm", "api_configuration:api_key", "set ANTHROPIC_API_KEY or OPENAI_API_KEY in the environment: keys stand in no file"),
        ("llm", "api_configuration:timeout", "set Coach__Llm__Requests__AttemptTimeout in the environment"),
        ("llm", "api_configuration:max_retries", "set Coach__Llm__Requests__MaxRetries in the environment"),
        ("llm", "api_configuration:retry_delay", "set Coach__Llm__Requests__RetryDelay in the environment"),
        ("llm", "api_configuration:temperature", "set TEMPERATURE in the environment; today's models refuse it"),
        ("llm", "api_configuration", "the wire of each provider sends what its models take"),
        ("llm", "request_settings", "texts are judged as a whole: set min_text_length and max_text_length"),
        ("llm", "response_handling", "answers are always structured, checked and repaired once"),
        ("llm", "error_handling", "retries follow the class of the error and the provider's hints; nothing falls back to a made-up answer"),
        ("llm", "debug_settings", "set debug_settings:store_raw_prompts"),
        ("llm", "performance_optimization", "set max_response_time, max_concurrent_requests, request_queue_size or the cache's keys"),
        ("llm", "monitoring", "see monitoring.yaml and /metrics"),
        ("llm", "fallback_configuration:fallback_api_key", "set the second provider's own key in the environment"),
        ("llm", "fallback_configuration:fallback_conditions", "transient failures move on to the second provider; a refused key never does"),
        ("llm", "cost_management", "set the limits and prices; at a limit requests are refused, not answered by a mock"),
        ("llm", "security", "set security:key_rotation_interval; connections to providers are always encrypted"),
        ("llm", "model_specific_settings", "providers' lists of models say what each can"),
        ("llm", "validation_rules", "ranges are fixed and in the README"),
        ("llm", "environment_specific", "set COACH_MODE and LOG_LEVEL in the environment"),
        ("prompt", "languages", "the rubric stands in rubric.yaml; here are context:context_text and request:request_text"),
        ("prompt", "confidence_threshold", "the models give no confidence"),
        ("prompt", "response_format", "the answer's schema is the host's"),
        ("prompt", "error_handling", "messages belong to the API's problem documents"),
        ("database", "", "the database is SQLite in the data folder, or PostgreSQL by ConnectionStrings__Coach"),
        ("backend", "", "set HOST, PORT and COACH_MODE in the environment"),
        ("frontend", "", "the page is served by the host and asks it; set autosave_interval"),
        ("logging", "", "set format and retention_days here, LOG_LEVEL in the environment"),
        ("monitoring", "", "set thresholds, webhook_url and cooldown_minutes; metrics are at /metrics"),
        ("performance", "", "set compression; limits of work stand in llm.yaml"),
        ("security", "", "set allowed_origins and hsts_days; headers and cookies are always strict"),
        ("rubric", "", "a criterion has name, description, weight, scoring_guidance 1 to 5, and if wanted id"),
    ];

    // Files that the original had and this one has not.
    private static readonly Dictionary<string, string> ReplacedFiles = new(StringComparer.OrdinalIgnoreCase)
    {
        ["deployment"] = "the README lists the variables of the environment",
        ["response_template"] = "the answer's schema is the host's",
        ["rubrics_example"] = "its content stands in rubric.yaml, word for word",
    };

    /// <summary>Checks that each file of a folder is read.</summary>
    /// <exception cref="YamlConfigurationException">One is not: the message says what replaces it.</exception>
    public static void CheckFolder(string folder)
    {
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            string extension = Path.GetExtension(path);
            if (extension.Equals(".yml", StringComparison.OrdinalIgnoreCase))
            {
                throw new YamlConfigurationException(path, 1, $"this file is not read. Name it {name}.yaml.");
            }

            if (extension.Equals(".yaml", StringComparison.OrdinalIgnoreCase)
                && (extension != ".yaml" || !All.Contains(name)))
            {
                string instead = ReplacedFiles.TryGetValue(name, out string? known)
                    ? known
                    : $"the files are {string.Join(", ", All)}";
                throw new YamlConfigurationException(path, 1, $"this file is not read. Remove it: {instead}.");
            }
        }
    }

    /// <summary>Every known file name, editable ones first.</summary>
    public static IEnumerable<string> All => Editable.Concat(System);

    /// <summary>Checks that each key of a file works here.</summary>
    /// <exception cref="YamlConfigurationException">One does not: the message says what replaces it.</exception>
    public static void Check(string name, string file, IEnumerable<YamlEntry> entries)
    {
        foreach (YamlEntry entry in entries)
        {
            if (!Known[name].Any(pattern => Matches(pattern, entry.Key)))
            {
                throw new YamlConfigurationException(file, entry.Line, Refusal(name, entry.Key));
            }
        }
    }

    /// <summary>What of the original's configuration is refused, for the README's table.</summary>
    public static IEnumerable<(string File, string Key, string Instead)> Refused => Replaced;

    /// <summary>The keys of a file that work.</summary>
    public static IReadOnlyList<string> KeysOf(string name) => Known[name];

    private static string Refusal(string name, string key)
    {
        string shown = key.Length > 100 ? key[..100] + "…" : key;
        string? instead = Replaced
            .Where(each => each.File == name && IsUnder(each.Prefix, key))
            .OrderByDescending(each => each.Prefix.Length)
            .Select(each => each.Instead)
            .FirstOrDefault();
        return instead is null
            ? $"the key '{shown}' means nothing here. Remove it; the README lists the keys."
            : $"the key '{shown}' has no effect here. Remove it: {instead}.";
    }

    private static bool IsUnder(string prefix, string key) =>
        prefix.Length == 0 || key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);

    private static bool Matches(string pattern, string key)
    {
        string[] expected = pattern.Split(':');
        string[] parts = key.Split(':');
        return parts.Length == expected.Length && expected.Zip(parts)
            .All(pair => pair.First == "*" || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
    }
}
