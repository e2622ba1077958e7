using System.Text;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>An index file: whatever became of it, an answer is made of the documents' own words, or there is none.</summary>
internal sealed class IndexTarget : FuzzTarget
{
    private static readonly string[] Texts =
    [
        "The house soup is pumpkin soup.", "Bread is baked in the morning.", "The cook comes on Mondays.", "Soup is served with bread.",
        "A table is kept for half an hour.", "Dogs are welcome in the garden.",
        "Soup is served at noon and soup is served at night; on Mondays soup is served at noon, and on Sundays soup is served at night with bread, "
            + "and bread is served at noon and bread is served at night.",       // long enough to be compressed
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("coach-fuzz-");
    private readonly Mutator _mutator;
    private readonly byte[] _good;

    private IndexTarget(DirectoryInfo made, int seed)
    {
        _good = File.ReadAllBytes(Path.Combine(made.FullName, "good.coach"));
        made.Delete(recursive: true);
        _mutator = new Mutator(seed, [_good], [], maxBytes: 4 << 20);
    }

    public override string Name => "index";

    public static async Task<IndexTarget> CreateAsync(int seed)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("coach-fuzz-");
        await using (ServiceProvider services = Services(Path.Combine(folder.FullName, "good.coach")))
        {
            IKnowledgeBase knowledge = services.GetRequiredService<IKnowledgeBase>();
            foreach ((string text, int n) in Texts.Select((text, n) => (text, n)))
            {
                await knowledge.AddOrUpdateAsync([new KnowledgeDocument($"d{n}", text)]);
            }
        }

        return new IndexTarget(folder, seed);
    }

    public override byte[] Next() => _mutator.Next();

    public override async Task<bool> ReadsGoodAsync() => (await ReadAsync(_good)).Passages.Count > 0;

    public override async Task<string?> TryAsync(byte[] input)
    {
        Passage? wrong = (await ReadAsync(input)).Passages.FirstOrDefault(passage => !Texts.Contains(passage.Text));
        return wrong is null ? null : $"a passage of no document: {Encoding.UTF8.GetByteCount(wrong.Text)} bytes";
    }

    private async Task<Retrieval> ReadAsync(byte[] input)
    {
        string path = Path.Combine(_folder.FullName, Guid.NewGuid().ToString("n") + ".coach");
        await File.WriteAllBytesAsync(path, input);
        try
        {
            await using ServiceProvider services = Services(path);
            return await services.GetRequiredService<IRetriever>().RetrieveAsync("Which soup is served?");
        }
        finally
        {
            foreach (FileInfo file in _folder.GetFiles())
            {
                file.Delete();
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private static ServiceProvider Services(string path)
    {
        IServiceCollection services = new ServiceCollection().AddLogging();
        services.AddCoachRag(options => options.IndexFile = path);
        return services.BuildServiceProvider();
    }
}
