namespace Coach.Rag;

/// <summary>How a <see cref="FileIndexStore"/> behaves.</summary>
internal sealed class IndexFileOptions
{
    /// <summary>How long a reader may go without looking for commits of other processes; zero looks every time.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a writer waits for another writer before it gives up.</summary>
    public TimeSpan WriterWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A commit compacts the file when it is larger than twice what the commit needs, and this many bytes.</summary>
    public long CompactAtWastedBytes { get; init; } = 16L << 20;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IndexFileSystem FileSystem { get; init; } = IndexFileSystem.Disk;
}
