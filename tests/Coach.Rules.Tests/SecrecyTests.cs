namespace Coach.Rules.Tests;

/// <summary>Secrets are read where a request is signed or a value is sealed, and nowhere else.</summary>
public sealed class SecrecyTests
{
    [Fact]
    public void Reveal_InShippedCode_IsCalledOnlyInTheApprovedFiles()
    {
        string approved = Path.Combine(Repository.Root, "tests", "Coach.Rules.Tests", "Approved", "Reveal.txt");
        string[] callers = [.. Repository.Packages.SelectMany(Repository.SourceFiles).Where(file => File.ReadAllText(file).Contains(".Reveal()", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        if (Environment.GetEnvironmentVariable("COACH_APPROVE") == "1")
        {
            File.WriteAllLines(approved, callers);
        }

        Assert.Equal(File.ReadAllLines(approved), callers);
    }
}
