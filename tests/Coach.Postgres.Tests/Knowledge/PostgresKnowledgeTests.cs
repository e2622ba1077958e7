using System.Collections.Concurrent;
using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Knowledge;
using Coach.Rag;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Postgres.Tests.Knowledge;

/// <summary>Replicas that make their index files from one log of documents.</summary>
public sealed class PostgresKnowledgeTests(PostgresServers servers)
{
    private readonly string _schema = StoreContractTests.NewSchema();
    // The event of Coach.Rag.
    private const int InStep = 3000;

    private readonly Counter _counter = new();

    [Fact]
    public async Task TwoReplicas_AnswerFromOneLog_FollowItsChanges_AndEmbedEachTextOnce()
    {
        using var folder = new TempFolder();
        using IHost one = await StartAsync(servers.ConnectionString, folder.File("one.coach"));
        using IHost other = await StartAsync(servers.ConnectionString, folder.File("other.coach"));
        PostgresKnowledgeLog log = one.Services.GetRequiredService<PostgresKnowledgeLog>();
        Assert.True(await log.PutAsync("kb", Document("soup", "The house soup is pumpkin soup.")));
        Assert.True(await log.PutAsync("kb", Document("cake", "The cake is made of carrots.")));
        Assert.False(await log.PutAsync("kb", Document("cake", "The cake is made of carrots.")));
        Assert.True(await log.PutAsync("other", Document("tea", "The tea is green.")));
        await UntilAsync(one, 2, "pumpkin");
        await UntilAsync(other, 2, "pumpkin");
        Assert.Contains(await AskAsync(other, "pumpkin soup"), passage => passage.DocumentId == "soup");

        Assert.True(await log.PutAsync("kb", Document("soup", "The house soup is tomato soup.")));
        await UntilAsync(other, 2, "tomato");
        Assert.True(await log.RemoveAsync("kb", "cake"));
        Assert.False(await log.RemoveAsync("kb", "cake"));
        await UntilAsync(one, 1, "tomato");
        await UntilAsync(other, 1, "tomato");
        Assert.False(await FindsAsync(other, "carrots"));
        await one.StopAsync();
        await other.StopAsync();
        Assert.Equal(_counter.Texts.Distinct().Count(), _counter.Texts.Count);
    }

    [Fact]
    public async Task TwoReplicas_OfTheSameFolder_EmbedEachTextOnce()
    {
        using var folder = new TempFolder();
        string documents = Documents(folder, 40);
        using IHost one = await StartAsync(servers.ConnectionString, folder.File("one.coach"), documents);
        using IHost other = await StartAsync(servers.ConnectionString, folder.File("other.coach"), documents);
        await Task.WhenAll(UntilAsync(one, 40, "subject7"), UntilAsync(other, 40, "subject7"));
        await Task.WhenAll(EmbedAsync(one), EmbedAsync(other));
        Assert.Equal(40, _counter.Texts.Count);
        Assert.Equal(40, _counter.Texts.Distinct().Count());
        await one.StopAsync();
        await other.StopAsync();
    }

    [Fact]
    public async Task AReplicaThatDiesWhileItEmbeds_LeavesItsTextsToAnother_WhenItsClaimEnds()
    {
        using var folder = new TempFolder();
        string documents = Documents(folder, 10);
        var stuck = new Stuck();
        using IHost dead = await StartAsync(
            servers.ConnectionString, folder.File("dead.coach"), documents, stuck);
        await stuck.Began.Task.WaitAsync(TestContext.Current.CancellationToken);
        using IHost other = await StartAsync(servers.ConnectionString, folder.File("other.coach"), documents);
        other.Services.GetRequiredService<PostgresDatabase>().ClockOffset = TimeSpan.FromDays(1);
        await UntilAsync(other, 10, "subject7");
        await EmbedAsync(other);
        Assert.Equal(10, _counter.Texts.Distinct().Count());
        Assert.Equal(10, _counter.Texts.Count);
        await other.StopAsync();
        stuck.End.SetCanceled(CancellationToken.None);
    }

    [Fact]
    public async Task Hints_TellOfAChangeOfTheirLogAlone_AndOneThatBreaksIsNoMoreThanAnotherLook()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var log = new PostgresKnowledgeLog(database);
        await log.PutAsync("kb", Document("soup", "The house soup is pumpkin soup."));
        string hint = KnowledgeHints.HintOf(_schema, "kb");
        await using KnowledgeHints? hints = await KnowledgeHints.TryListenAsync(
            servers.ConnectionString, hint, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.NotNull(hints);

        Task<bool> waits = hints.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        await log.PutAsync("k\0b", Document("tea", "The tea is green."));
        Assert.False(await log.PutAsync("kb", Document("soup", "The house soup is pumpkin soup.")));
        Assert.False(waits.IsCompleted);
        await log.PutAsync("kb", Document("soup", "The house soup is tomato soup."));
        Assert.True(await waits);

        waits = hints.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        await database.ExecuteAsync(
            "end who listens",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN ' || $2 AND $1 = 0",
            [KnowledgeHints.Channel], TestContext.Current.CancellationToken);
        Assert.False(await waits);
        Assert.Null(await KnowledgeHints.TryListenAsync(
            "Host=127.0.0.1;Port=1;Username=a;Database=b", hint, TimeProvider.System,
            TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ListenConnectionString_ASourceHearsOfEachChange_AlsoWhereNobodyAnswersThere(bool isAnswered)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var options = new CoachPostgresOptions
        {
            ConnectionString = servers.ConnectionString,
            ListenConnectionString = isAnswered
                ? servers.ConnectionString
                : "Host=127.0.0.1;Port=1;Username=a;Database=b",
            Schema = _schema,
            TimeLimit = TimeSpan.FromSeconds(30),
        };
        await using var database = new PostgresDatabase(
            options, TimeProvider.System, NullLogger<StoreGuard>.Instance, meters: null);
        var log = new PostgresKnowledgeLog(database);
        var source = new PostgresKnowledgeSource(database, "kb", TimeProvider.System);
        foreach (string soup in (string[])["pumpkin", "tomato", "leek"])
        {
            Task changed = source.WaitForChangeAsync(cancellation);
            await log.PutAsync("kb", Document("soup", $"The house soup is {soup} soup."), cancellation);
            await changed;
            SourceItem item = Assert.Single(await source.ListAsync(cancellation).ToListAsync(cancellation));
            Assert.Contains(soup, (await item.ReadAsync(cancellation)).Text, StringComparison.Ordinal);
        }

        using var leaving = new CancellationTokenSource();
        Task left = source.WaitForChangeAsync(leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
    }

    [Fact]
    public async Task AReplicaThatWasDown_CatchesUp_AndReadsOnlyWhatChanged()
    {
        using var folder = new TempFolder();
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var log = new PostgresKnowledgeLog(database);
        for (int i = 0; i < 30; i++)
        {
            await log.PutAsync("kb", Document($"d{i}", $"Number {i} is about subject{i}."));
        }

        using (IHost first = await StartAsync(servers.ConnectionString, folder.File("i.coach")))
        {
            await UntilAsync(first, 30, "subject7");
            await first.StopAsync();
        }

        await log.PutAsync("kb", Document("d7", "Number 7 is about something else."));
        await log.RemoveAsync("kb", "d8");
        await log.PutAsync("kb", Document("new", "A new one about turnips."));
        using IHost again = await StartAsync(servers.ConnectionString, folder.File("i.coach"));
        await UntilAsync(again, 30, "turnips");
        Assert.False(await FindsAsync(again, "subject8"));
        Assert.True(await FindsAsync(again, "something else"));
        await again.StopAsync();
    }

    [Fact]
    public async Task AnOutageOfTheDatabase_LeavesTheAnswers()
    {
        PostgresServers.SkipUnlessInstalled();
        using var folder = new TempFolder();
        using var server = new PostgresServer();
        using IHost host = await StartAsync(server.ConnectionString, folder.File("i.coach"));
        PostgresKnowledgeLog log = host.Services.GetRequiredService<PostgresKnowledgeLog>();
        await log.PutAsync("kb", Document("soup", "The house soup is pumpkin soup."));
        await UntilAsync(host, 1, "pumpkin");
        server.Stop();
        StoreException away =
            await Assert.ThrowsAsync<StoreException>(() => log.PutAsync("kb", Document("a", "b")).AsTask());
        Assert.Equal(ErrorCodes.StoreUnavailable, away.Code);
        Assert.True(await FindsAsync(host, "pumpkin"));
        using (IHost cold = await StartAsync(server.ConnectionString, folder.File("other.coach")))
        {
            Assert.Empty(await AskAsync(cold, "pumpkin"));
            await cold.StopAsync();
        }

        server.Start();
        while (!await PutAsync(log, Document("cake", "The cake is made of carrots.")))
        {
            await Task.Yield();
        }

        await UntilAsync(host, 2, "carrots");
        Assert.True(await FindsAsync(host, "pumpkin"));
        await host.StopAsync();
    }

    [Fact]
    public async Task Documents_ComeBackWhole_AndHostileOnesAreKept()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var log = new PostgresKnowledgeLog(database);
        KnowledgeDocument document = new("'; DROP\0 ü/../x", "Text\0 with '; -- and \U0001F600")
        {
            Title = "Tïtle",
            Source = "https://example.org/a?b=c",
            Format = TextFormat.Markdown,
            IsOnePassage = true,
            Metadata = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" },
        };
        Assert.True(await log.PutAsync("k\0b", document));
        Assert.False(await log.PutAsync("k\0b", document with
        {
            Metadata = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
        }));
        var source = new PostgresKnowledgeSource(database, "k\0b", TimeProvider.System);
        var read = new List<KnowledgeDocument>();
        await foreach (SourceItem item in source.ListAsync())
        {
            read.Add(await item.ReadAsync());
        }

        KnowledgeDocument found = Assert.Single(read);
        Assert.Equal(document.Metadata, found.Metadata);
        Assert.Equal(document, found with { Metadata = document.Metadata });
        await Assert.ThrowsAsync<ArgumentException>(() => log.PutAsync(" ", document).AsTask());
        await Assert.ThrowsAnyAsync<ArgumentException>(() => log.RemoveAsync(new string('k', 201), "a").AsTask());
    }

    [Fact]
    public async Task WritersAtOnce_LeaveNoGapThatAReaderMisses()
    {
        await using PostgresDatabase database = StoreContractTests.Open(servers.ConnectionString, _schema);
        var log = new PostgresKnowledgeLog(database);
        var source = new PostgresKnowledgeSource(database, "kb", TimeProvider.System);
        Task writing = Task.WhenAll(Enumerable.Range(0, 60).Select(
            i => Task.Run(() => log.PutAsync("kb", Document($"d{i % 40}", $"text {i}")).AsTask())));
        while (!writing.IsCompleted)
        {
            await ListAsync(source);
        }

        await writing;
        Assert.Equal(40, (await ListAsync(source)).Count);
        Assert.Equal(
            (await ListAsync(new PostgresKnowledgeSource(database, "kb", TimeProvider.System)))
                .Order(StringComparer.Ordinal),
            (await ListAsync(source)).Order(StringComparer.Ordinal));
    }

    private static async Task<List<string>> ListAsync(KnowledgeSource source)
    {
        var items = new List<string>();
        await foreach (SourceItem item in source.ListAsync())
        {
            items.Add(item.Id + item.Version);
        }

        return items;
    }

    private static async Task<bool> PutAsync(PostgresKnowledgeLog log, KnowledgeDocument document)
    {
        try
        {
            return await log.PutAsync("kb", document);
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private static KnowledgeDocument Document(string id, string text) => new(id, text);

    private static async Task<IReadOnlyList<Passage>> AskAsync(IHost host, string question) =>
        (await host.Services.GetRequiredService<IRetriever>().RetrieveAsync(question)).Passages;

    private static async Task<bool> FindsAsync(IHost host, string words) =>
        (await AskAsync(host, words)).Any(passage => passage.Text.Contains(words, StringComparison.Ordinal));

    // The index says when it is in step. Ends with the test's own time limit if it never is.
    private static async Task UntilAsync(IHost host, int documents, string word)
    {
        var knowledge = host.Services.GetRequiredService<IKnowledgeBase>();
        FakeLogCollector logs = host.Services.GetFakeLogCollector();
        await foreach (FakeLogRecord record in logs.GetLogsAsync(TestContext.Current.CancellationToken))
        {
            if (record.Id.Id == InStep && knowledge.DocumentCount == documents && await FindsAsync(host, word))
            {
                return;
            }
        }
    }

    private async Task<IHost> StartAsync(
        string connectionString, string file, string? folder = null,
        IEmbeddingGenerator<string, Embedding<float>>? embedder = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Coach"] = connectionString,
            ["COACH_DATA_PROTECTION_KEY"] = "0123456789abcdef0123456789abcdef",
            ["Coach:Postgres:Schema"] = _schema,
            ["Coach:Postgres:TimeLimit"] = "00:00:05",
        });
        builder.Logging.AddFakeLogging();
        CoachRagBuilder rag = builder.Services.AddCoachRag(options => options.Learn = false)
            .UseIndexFile(file).UseEmbeddings(embedder ?? _counter);
        _ = folder is null ? rag.UsePostgres("kb") : rag.WithSource(folder);
        builder.Services.AddCoachLlm();
        builder.Services.AddCoachPostgres();
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static string Documents(TempFolder folder, int count)
    {
        string documents = folder.File("documents");
        Directory.CreateDirectory(documents);
        for (int i = 0; i < count; i++)
        {
            File.WriteAllText(Path.Combine(documents, $"d{i}.txt"), $"Number {i} is about subject{i}.");
        }

        return documents;
    }

    private static Task EmbedAsync(IHost host) => host.Services.GetRequiredService<IKnowledgeBase>()
        .EmbedAsync(cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>An embedder that never answers, like that of a process that was killed.</summary>
    private sealed class Stuck : IEmbeddingGenerator<string, Embedding<float>>
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>> End { get; } = new();

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default)
        {
            Began.TrySetResult();
            return End.Task;
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata)
                ? new EmbeddingGeneratorMetadata("fake", null, "counter", 3)
                : null;

        public void Dispose()
        {
        }
    }

    /// <summary>An embedder that notes every passage.</summary>
    private sealed class Counter : IEmbeddingGenerator<string, Embedding<float>>
    {
        public ConcurrentQueue<string> Texts { get; } = new();

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default)
        {
            bool isDocument = options?.AdditionalProperties?[EmbeddingTaskProperty.Name] is EmbeddingTask.Document;
            var vectors = new GeneratedEmbeddings<Embedding<float>>();
            foreach (string value in values)
            {
                if (isDocument)
                {
                    Texts.Enqueue(value);
                }

                vectors.Add(new Embedding<float>(new[] { value.Length, 1f, value[0] }));
            }

            return Task.FromResult(vectors);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("fake", null, "counter", 3)
            : null;

        public void Dispose()
        {
        }
    }
}
