using Coach.Testing;

namespace Coach.Sqlite.Tests;

/// <summary>A file in a folder of its own, and a clock.</summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly TempFolder _folder = new();

    public SqliteFile()
    {
        Path = System.IO.Path.Combine(_folder.Path, "coach.db");
        Database = Open();
    }

    public string Path { get; }

    public VirtualClock Clock { get; } = new();

    public SqliteDatabase Database { get; private set; }

    public SqliteDatabase Open() => new(new CoachSqliteOptions { Path = Path });

    public void Reopen()
    {
        Database.Dispose();
        Database = Open();
    }

    public Task Advance(TimeSpan time)
    {
        Clock.Advance(time);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        Database.Dispose();
        _folder.Dispose();
    }
}
