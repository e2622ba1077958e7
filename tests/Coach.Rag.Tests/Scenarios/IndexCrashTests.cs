using Coach.Rag.Store;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>Stops the writer at any byte; the next one must find exactly a committed state.</summary>
public sealed class IndexCrashTests
{
    private const int Commits = 8;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Commit_DiesAtAnyByte_ReopensAtACommit(int seed, bool losesPower)
    {
        string[] digests = Digests(seed, out long total);
        var random = new Random(seed);
        for (int round = 0; round < 60; round++)
        {
            using var folder = new TempFolder();
            string path = folder.File("a.coach");
            long stop = random.NextInt64(total + 1);
            var files = new FaultyFileSystem(stop, powerLoss: losesPower ? new Random(round) : null);
            int finished = 0;
            try
            {
                using var store = new FileIndexStore(path, new IndexFileOptions { FileSystem = files });
                for (; finished < Commits; finished++)
                {
                    IndexContent.Commit(store, seed);
                    if (finished == 4)
                    {
                        store.Compact(default);
                    }
                }
            }
            catch (CrashException)
            {
                // The point of the test.
            }

            using var reopened = new FileIndexStore(path);
            using (IndexCommitReader snapshot = reopened.Acquire())
            {
                // What was reported as committed is there; the one being written may be, whole.
                Assert.InRange(snapshot.CommitId, finished, finished + 1);
                Assert.True(digests[snapshot.CommitId] == IndexContent.Digest(snapshot), $"seed {seed}, round {round}, stopped at byte {stop}");
            }

            for (int commit = (int)reopened.Acquire().CommitId + 1; commit <= Commits; commit++)
            {
                Assert.Equal(digests[commit], IndexContent.Commit(reopened, seed));
            }
        }
    }

    private static string[] Digests(int seed, out long total)
    {
        using var folder = new TempFolder();
        var files = new FaultyFileSystem(long.MaxValue);
        using var store = new FileIndexStore(folder.File("a.coach"), new IndexFileOptions { FileSystem = files });
        var digests = new string[Commits + 1];
        using (IndexCommitReader empty = store.Acquire())
        {
            digests[0] = IndexContent.Digest(empty);
        }

        for (int i = 1; i <= Commits; i++)
        {
            digests[i] = IndexContent.Commit(store, seed);
            if (i == 5)
            {
                store.Compact(default);
            }
        }

        total = files.Written;
        return digests;
    }
}
