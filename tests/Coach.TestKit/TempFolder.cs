namespace Coach.TestKit;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TempFolder : IDisposable
{
    /// <param name="inMemory">Whether it should stand in memory where the machine has such a place: for tests that write very often.</param>
    public TempFolder(bool inMemory = false)
    {
        Path = inMemory && Directory.Exists("/dev/shm")
            ? Directory.CreateDirectory($"/dev/shm/coach-{Guid.NewGuid():N}").FullName
            : Directory.CreateTempSubdirectory("coach-").FullName;
    }

    public string Path { get; }

    /// <summary>The path of a file in it, which need not exist.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        // A test may have removed it, or taken away its own right to read it.
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
