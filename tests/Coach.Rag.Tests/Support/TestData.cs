namespace Coach.Rag.Tests;

/// <summary>The retrieval collections, which are not part of the repository.</summary>
internal static class TestData
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Repository
    {
        get
        {
            string root = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(root, "Coach.sln")))
            {
                root = Path.GetDirectoryName(root) ?? throw new DirectoryNotFoundException("Coach.sln is in no folder above the tests.");
            }

            return root;
        }
    }

    public static async Task<BeirCollection> LoadAsync(string name)
    {
        string data = Environment.GetEnvironmentVariable("COACH_DATA") ?? Path.Combine(Repository, "..", "shared", "data");
        string folder = Path.Combine(data, name);
        if (!Directory.Exists(folder))
        {
            Assert.Skip($"The collection '{name}' is not here: set COACH_DATA to the folder that holds it.");
        }

        return await BeirCollection.LoadAsync(folder);
    }
}
