namespace Memo.Configuration;

/// <summary>All that the YAML files say, checked: one snapshot, replaced as a whole when a file changes.</summary>
internal sealed record MemoSettings
{
    public required Rubric Rubric { get; init; }

    public required string Context { get; init; }

    public required string Request { get; init; }

    public required AuthSettings Auth { get; init; }

    public required LlmSettings Llm { get; init; }

    public required UploadSettings Uploads { get; init; }

    public required BackupSettings Backup { get; init; }

    public required LogSettings Log { get; init; }

    public required AlertSettings Alerts { get; init; }

    public required SecuritySettings Security { get; init; }

    public required int AutosaveSeconds { get; init; }

    public required bool Compression { get; init; }
}

internal sealed record AuthSettings(
    TimeSpan SessionTimeout, int MaxSessions, int MaxLoginAttempts, TimeSpan Lockout, int SubmissionsPerHour,
    int LoginsPerHour, int AdminPerHour, int RequestsPerMinute, int MinPasswordLength);

internal sealed record LlmSettings
{
    public required string Provider { get; init; }

    public required string Model { get; init; }

    public required int MaxTokens { get; init; }

    public required int MinLength { get; init; }

    public required int MaxLength { get; init; }

    public required TimeSpan MaxTime { get; init; }

    public required int Concurrency { get; init; }

    public required int QueueSize { get; init; }

    public required bool Caching { get; init; }

    public required TimeSpan CacheLifetime { get; init; }

    public required int CacheSize { get; init; }

    public required bool Fallback { get; init; }

    public required string FallbackProvider { get; init; }

    public required string FallbackModel { get; init; }

    public required decimal InputPrice { get; init; }

    public required decimal OutputPrice { get; init; }

    public required long RequestLimitMicro { get; init; }

    public required long DayLimitMicro { get; init; }

    public required long MonthLimitMicro { get; init; }

    public required bool KeepRaw { get; init; }

    public required int KeyAgeDays { get; init; }
}

internal sealed record UploadSettings(int MaxBytes, TimeSpan Keep);

internal sealed record BackupSettings(bool Enabled, TimeSpan Interval, int Keep);

internal sealed record LogSettings(bool IsJson, int RetentionDays);

internal sealed record AlertSettings(
    Uri? Webhook, TimeSpan CoolDown, double Seconds, double ErrorPercent, double CpuPercent, double MemoryPercent,
    double DiskPercent);

internal sealed record SecuritySettings(IReadOnlyList<string> AllowedOrigins, int HstsDays);
