namespace Coach.Configuration.Yaml;

/// <summary>How YAML files are read, and the limits that a file has to keep.</summary>
public sealed class CoachYamlOptions
{
    /// <summary>Whether a missing file is as good as an empty one.</summary>
    /// <value>False unless set: a missing file is an error.</value>
    public bool Optional { get; set; }

    /// <summary>Whether the file is read again when its content changes.</summary>
    /// <value>False unless set.</value>
    public bool ReloadOnChange { get; set; }

    /// <summary>How often a file that reloads is looked at. Looking, not watching: it works on every mount.</summary>
    /// <value>100 ms to 1 hour; 2 seconds unless set.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The section under which all keys of the file stand, such as <c>Memo:Llm</c>.</summary>
    /// <value>Empty unless set: the file's first level is the configuration's.</value>
    public string Section { get; set; } = "";

    /// <summary>How large a file may be.</summary>
    /// <value>1 byte to 64 MiB; 1 MiB unless set.</value>
    public int MaxBytes { get; set; } = 1024 * 1024;

    /// <summary>How deep mappings and lists may stand in each other.</summary>
    /// <value>1 to 64; 32 unless set.</value>
    public int MaxDepth { get; set; } = 32;

    /// <summary>How many values a file may hold, those that aliases repeat included.</summary>
    /// <value>1 to 1,000,000; 10,000 unless set.</value>
    public int MaxValues { get; set; } = 10_000;

    /// <summary>Looks a variable up: its name in, its value or null out.</summary>
    /// <value>The process's environment variables unless set.</value>
    public Func<string, string?>? Variables { get; set; }

    /// <summary>The clock of <see cref="PollInterval"/>.</summary>
    /// <value>The system's unless set.</value>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    internal void Check()
    {
        CheckRange(PollInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1), nameof(PollInterval));
        CheckRange(MaxBytes, 1, 64 * 1024 * 1024, nameof(MaxBytes));
        CheckRange(MaxDepth, 1, 64, nameof(MaxDepth));
        CheckRange(MaxValues, 1, 1_000_000, nameof(MaxValues));
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentNullException.ThrowIfNull(Section);
    }

    private static void CheckRange<T>(T value, T minimum, T maximum, string name)
        where T : IComparable<T>
    {
        if (value.CompareTo(minimum) < 0 || value.CompareTo(maximum) > 0)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be between {minimum} and {maximum}.");
        }
    }
}
