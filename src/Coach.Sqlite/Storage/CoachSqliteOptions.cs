namespace Coach.Sqlite;

/// <summary>The file and its bounds.</summary>
public sealed class CoachSqliteOptions
{
    /// <summary>The file; its folder must exist. Beside it lie <c>path-wal</c> and <c>path-shm</c> while it is
    /// open.</summary>
    public string Path { get; set; } = "";

    /// <summary>
    /// Whether the file is the host's own, with the host's tables beside these: one file to back up. The host must not
    /// have tables of the same names; the file's application id and user version stay the host's.
    /// </summary>
    /// <value>False unless set: a file of somebody else's is refused.</value>
    public bool IsShared { get; set; }

    /// <summary>How many writes may wait for the disk; beyond it callers wait for a place.</summary>
    /// <value>1 to 1,000,000; 10,000 unless set.</value>
    public int MaxWaitingWrites { get; set; } = 10_000;

    /// <summary>How long a statement waits for another process that writes.</summary>
    /// <value>1 second to 10 minutes; 30 seconds unless set.</value>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an idle conversation is kept.</summary>
    /// <value>1 minute to 3,650 days; 90 days unless set.</value>
    public TimeSpan HistoryLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How many messages a conversation keeps; the oldest turns are dropped first.</summary>
    /// <value>2 to 100,000; 2,000 unless set.</value>
    public int MaxMessages { get; set; } = 2_000;
}
