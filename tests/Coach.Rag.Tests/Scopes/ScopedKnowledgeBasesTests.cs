using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Rag.Scopes;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Rag.Tests.Scopes;

public sealed class ScopedKnowledgeBasesTests
{
    [Fact]
    public async Task OpenAsync_TwoScopes_FindTheirOwnAndKeepItOverARestart()
    {
        using var folder = new TempFolder();
        await using (var host = new ScopeHost(folder))
        {
            await host.AddAsync(KnowledgeScope.OfTenant("acme"), "keys.md", "The spare key hangs behind the blue door.");
            await host.AddAsync(KnowledgeScope.OfTenant("other"), "keys.md", "The spare key lies under the red mat.");
            Assert.Equal("The spare key hangs behind the blue door.", await host.FindAsync(KnowledgeScope.OfTenant("acme"), "spare key"));
            Assert.Equal("The spare key lies under the red mat.", await host.FindAsync(KnowledgeScope.OfTenant("other"), "spare key"));
            Assert.Null(await host.FindAsync(KnowledgeScope.Of("acme"), "spare key"));
            Assert.Null(await host.Bases.OpenAsync(KnowledgeScope.Shared));
        }

        await using var again = new ScopeHost(folder);
        Assert.Equal("The spare key hangs behind the blue door.", await again.FindAsync(KnowledgeScope.OfTenant("acme"), "spare key"));
    }

    [Fact]
    public async Task OpenAsync_MoreThanMayBeOpen_ClosesTheLeastRecentlyUsedAndOpensItAgain()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder, options => options.MaxOpen = 2);
        KnowledgeScope[] scopes = [.. Enumerable.Range(0, 5).Select(n => KnowledgeScope.Of($"s{n}"))];
        var open = new List<OpenKnowledge>();
        foreach (KnowledgeScope scope in scopes)
        {
            await host.AddAsync(scope, "a", $"The number of the room is {scope.Name}.");
            open.Add((await host.Bases.OpenAsync(scope))!);
            Assert.InRange(host.Table.OpenScopes!.Value, 1, 2);
        }

        // What was opened first was closed since; it is opened again by its next call.
        for (int n = 0; n < scopes.Length; n++)
        {
            Assert.Equal($"The number of the room is s{n}.", Assert.Single((await open[n].Retriever.RetrieveAsync("number room")).Passages).Text);
            Assert.Equal((1, RagTier.Lexical), (open[n].Knowledge.DocumentCount, open[n].Retriever.Tier));
        }
    }

    [Fact]
    public async Task OpenAsync_AsManyAsMayBeAreInUse_WaitsForOneAndElseSaysSo()
    {
        using var folder = new TempFolder();
        var time = new VirtualClock();
        await using var host = new ScopeHost(folder, options => options.MaxOpen = 1, time);
        ScopeSlot held = host.Table.SlotOf(ScopeFiles.NameOf(KnowledgeScope.Of("held")));
        ScopeLease lease = await host.Table.AcquireAsync(held, default);
        Task<OpenKnowledge?> late = host.Bases.OpenAsync(KnowledgeScope.Of("late")).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        RagException busy = await Assert.ThrowsAsync<RagException>(() => late);
        Assert.Equal(
            (RagError.IndexBusy, "No scope could be opened within 5 s: 1 are open and in use. Try again, or raise Coach:Rag:Scopes:MaxOpen."),
            (busy.Error, busy.Message));
        Assert.Equal(ComponentState.Degraded, (await host.HealthAsync()).State);

        Task<OpenKnowledge?> next = host.Bases.OpenAsync(KnowledgeScope.Of("next")).AsTask();
        lease.Dispose();
        Assert.NotNull(await next);
        Assert.Equal("Documents are kept by scope; 1 of at most 1 are open.", (await host.HealthAsync()).Description);
    }

    [Fact]
    public async Task OpenAsync_IdleForCloseAfter_IsClosed()
    {
        using var folder = new TempFolder();
        var time = new VirtualClock();
        await using var host = new ScopeHost(folder, options => options.CloseAfter = TimeSpan.FromMinutes(10), time);
        ScopeSlot slot = host.Table.SlotOf(ScopeFiles.NameOf(KnowledgeScope.Of("idle")));
        await host.AddAsync(KnowledgeScope.Of("idle"), "a", "Cats purr.");
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(1, host.Table.OpenScopes);
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(0, host.Table.OpenScopes);
        await slot.Closing;
        Assert.Equal("Cats purr.", await host.FindAsync(KnowledgeScope.Of("idle"), "cats"));
    }

    [Fact]
    public async Task OpenAsync_OpenInAnotherProcess_SaysSo()
    {
        using var folder = new TempFolder();
        await using var first = new ScopeHost(folder);
        await first.AddAsync(KnowledgeScope.Of("one"), "a", "Cats purr.");

        // Another container is to the file what another process is: it is locked by the handle.
        await using var second = new ScopeHost(folder);
        RagException busy = await Assert.ThrowsAsync<RagException>(async () => await second.Bases.OpenAsync(KnowledgeScope.Of("one")));
        Assert.Equal(RagError.IndexBusy, busy.Error);
        Assert.Contains("is open in another process. One process at a time keeps the documents of a scope", busy.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RagException>(async () => await second.Bases.RemoveAsync(KnowledgeScope.Of("one")));
        Assert.Equal("Cats purr.", await first.FindAsync(KnowledgeScope.Of("one"), "cats"));
        Assert.NotNull(await second.Bases.OpenAsync(KnowledgeScope.Of("two")));

        await first.DisposeAsync();
        Assert.Equal("Cats purr.", await second.FindAsync(KnowledgeScope.Of("one"), "cats"));
    }

    [Fact]
    public async Task RemoveAsync_AScope_ErasesItsFilesAndEndsWhatWasOpened()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder);
        await host.AddAsync(KnowledgeScope.Of("gone"), "a", "The secret word is xylophone.");
        await host.AddAsync(KnowledgeScope.Of("stays"), "a", "Cats purr.");
        OpenKnowledge before = (await host.Bases.OpenAsync(KnowledgeScope.Of("gone")))!;
        string file = ScopeFiles.NameOf(KnowledgeScope.Of("gone"));
        await File.WriteAllTextAsync(folder.File(file + ".damaged"), "xylophone");
        Assert.True(await host.Bases.RemoveAsync(KnowledgeScope.Of("gone")));
        Assert.Empty(Directory.GetFiles(folder.Path, file + "*"));

        Retrieval nothing = await before.Retriever.RetrieveAsync("xylophone");
        Assert.Equal((RagTier.None, DegradationReason.IndexUnavailable), (nothing.Tier, nothing.Degradation!.Reason));
        Assert.Equal(RagTier.None, before.Retriever.Tier);
        RagException gone = await Assert.ThrowsAsync<RagException>(() => before.Knowledge.AddOrUpdateAsync([new("b", "late")]));
        Assert.Contains("was removed with its documents. Open the scope again", gone.Message, StringComparison.Ordinal);
        Assert.False(await host.Bases.RemoveAsync(KnowledgeScope.Of("gone")));
        Assert.False(await host.Bases.RemoveAsync(KnowledgeScope.Shared));

        Assert.Null(await host.FindAsync(KnowledgeScope.Of("gone"), "xylophone"));
        await host.AddAsync(KnowledgeScope.Of("gone"), "a", "A new word.");
        Assert.Equal("A new word.", await host.FindAsync(KnowledgeScope.Of("gone"), "word"));
        Assert.Equal("Cats purr.", await host.FindAsync(KnowledgeScope.Of("stays"), "cats"));
    }

    [Fact]
    public async Task RemoveAsync_WhileItIsInUse_WaitsAndElseLeavesItAsItWas()
    {
        using var folder = new TempFolder();
        var time = new VirtualClock();
        await using var host = new ScopeHost(folder, null, time);
        var scope = KnowledgeScope.Of("used");
        await host.AddAsync(scope, "a", "Cats purr.");
        ScopeSlot slot = host.Table.SlotOf(ScopeFiles.NameOf(scope));
        ScopeLease lease = await host.Table.AcquireAsync(slot, default);
        Task<bool> removal = host.Bases.RemoveAsync(scope).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Contains("is in use for more than 5 s", (await Assert.ThrowsAsync<RagException>(() => removal)).Message, StringComparison.Ordinal);
        Assert.Equal("Cats purr.", await host.FindAsync(scope, "cats"));

        removal = host.Bases.RemoveAsync(scope).AsTask();
        Task<string?> question = host.FindAsync(scope, "cats");
        lease.Dispose();
        Assert.True(await removal);
        Assert.True(await question is null or "Cats purr.");
        Assert.Null(await host.FindAsync(scope, "cats"));
    }

    [Fact]
    public async Task Close_DeletedText_IsErasedFirst()
    {
        using var folder = new TempFolder();
        await using (var host = new ScopeHost(folder))
        {
            await host.AddAsync(KnowledgeScope.Of("a"), "secret", "The secret word is xylophone.");
            await host.AddAsync(KnowledgeScope.Of("a"), "other", "Cats purr.");
            Assert.Equal(1, await (await host.Bases.OpenAsync(KnowledgeScope.Of("a")))!.Knowledge.RemoveAsync(["secret"]));
        }

        string file = folder.File(ScopeFiles.NameOf(KnowledgeScope.Of("a")));
        Assert.DoesNotContain("xylophone", Encoding.UTF8.GetString(await File.ReadAllBytesAsync(file)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_WithoutDocuments_LeavesNoFile()
    {
        using var folder = new TempFolder();
        await using (var host = new ScopeHost(folder))
        {
            Assert.Null(await host.FindAsync(KnowledgeScope.Of("visitor"), "anything"));
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task AddOrUpdateAsync_AtItsLimits_RefusesWhatWouldPassThem()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder, options => (options.MaxDocuments, options.MaxBytes) = (2, 1024));
        IKnowledgeBase knowledge = (await host.Bases.OpenAsync(KnowledgeScope.Of("small")))!.Knowledge;
        IngestReport report = await knowledge.AddOrUpdateAsync([new("1", "one"), new("2", "two"), new("3", "three")]);
        Assert.Equal((2, "3: There are too many documents: MaxDocuments = 2."), (report.Added, Said(report)));
        Assert.Equal(DocumentRefusal.IndexFull, report.Failed[0].Refusal);

        // Replacing counts the new text alone, pending or committed; removing makes room.
        string kilobyte = string.Concat(Enumerable.Repeat("wörter ", 120));
        report = await knowledge.AddOrUpdateAsync([new("1", kilobyte), new("1", kilobyte + "x"), new("2", kilobyte)]);
        Assert.Equal((0, 2), (report.Added, report.Updated));
        Assert.Equal("2: The documents would have 1920 bytes together, more than MaxBytes = 1024.", Said(report));
        report = await knowledge.AddOrUpdateAsync([new("1", kilobyte)]);
        Assert.Equal((1, 0), (report.Updated, report.Failed.Count));
        Assert.Equal(1, await knowledge.RemoveAsync(["1"]));
        report = await knowledge.AddOrUpdateAsync([new("4", kilobyte)]);
        Assert.Equal((1, 0), (report.Added, report.Failed.Count));

        static string Said(IngestReport report) => string.Join('\n', report.Failed.Select(failure => $"{failure.Id}: {failure.Reason}"));
    }

    [Fact]
    public async Task CallerData_ACaller_GetsAndErasesItsOwnScopesAlone()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder);
        var ann = new CallerContext(SessionId.From("s-ann"), "ann", "acme");
        var bob = new CallerContext(SessionId.From("s-bob"), "bob", "acme");
        await host.AddAsync(KnowledgeScope.OfCaller(ann), "a.md", "Ann's own words.");
        await host.AddAsync(KnowledgeScope.OfSession(ann.SessionId), "s.md", "Words of Ann's session.");
        await host.AddAsync(KnowledgeScope.OfCaller(bob), "b.md", "Bob's own words.");
        await host.AddAsync(KnowledgeScope.OfTenant("acme"), "t.md", "Words of the tenant.");
        ICallerData data = Assert.Single(host.Services.GetServices<ICallerData>());
        Assert.Equal("documents", data.Name);
        string export = await ExportAsync(data, ann);
        Assert.Equal(["Ann\\u0027s own words.", "Words of Ann\\u0027s session."], Texts(export));
        Assert.Equal(2, await data.EraseAsync(ann));
        Assert.Equal("[]", await ExportAsync(data, ann));
        Assert.Equal(0, await data.EraseAsync(ann));
        Assert.Equal("Bob's own words.", await host.FindAsync(KnowledgeScope.OfCaller(bob), "words"));
        Assert.Equal("Words of the tenant.", await host.FindAsync(KnowledgeScope.OfTenant("acme"), "words"));

        static IEnumerable<string> Texts(string json) => JsonDocument.Parse(json).RootElement.EnumerateArray()
            .Select(document => document.GetProperty("passages")[0].GetRawText().Trim('"'));
    }

    [Fact]
    public async Task CallerData_ScopesOfTheHostsOwn_AreThoseOfScopesOfCaller()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder, options => options.ScopesOfCaller = caller => [KnowledgeScope.Of("own-" + caller.UserId), KnowledgeScope.Shared]);
        var ann = new CallerContext(SessionId.From("s-ann"), "ann");
        await host.AddAsync(KnowledgeScope.Of("own-ann"), "a.md", "Words of Ann.");
        await host.AddAsync(KnowledgeScope.OfCaller(ann), "b.md", "Other words.");
        Assert.Equal(1, await host.Services.GetRequiredService<ICallerData>().EraseAsync(ann));
        Assert.Null(await host.FindAsync(KnowledgeScope.Of("own-ann"), "words"));
        Assert.Equal("Other words.", await host.FindAsync(KnowledgeScope.OfCaller(ann), "words"));
    }

    [Fact]
    public async Task Registration_WithScopes_OffersNothingUnscoped()
    {
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder);
        InvalidOperationException retriever = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<IRetriever>());
        Assert.Equal(
            "There is no IRetriever without scope, but documents are kept by scope (AddCoachRag().WithScopes). Take IKnowledgeBases, and open the scope of whoever asks.",
            retriever.Message);
        Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<IKnowledgeBase>());
    }

    [Fact]
    public async Task Start_AServiceTakesAnUnscopedRetriever_Fails()
    {
        using var folder = new TempFolder();
        using IHost host = new HostBuilder().ConfigureServices(services =>
        {
            services.AddSingleton<TakesUnscoped>();
            services.AddSingleton<TakesKeyed>();
            services.AddCoachRag().WithScopes(folder.Path);
            services.AddCoachRag();     // again: harmless
            services.AddCoachRag("menu");
        }).Build();
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal(
            "'Coach.Rag.Tests.Scopes.ScopedKnowledgeBasesTests+TakesUnscoped' takes an IRetriever or IKnowledgeBase without scope, but documents are kept by scope "
            + "(AddCoachRag().WithScopes). Take IKnowledgeBases, and open the scope of whoever asks.",
            failure.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_ASourceWithoutScope_Fails(bool isSetting)
    {
        using var folder = new TempFolder();
        using IHost host = new HostBuilder().ConfigureServices(services =>
        {
            CoachRagBuilder rag = services.AddCoachRag(options => options.Knowledge = isSetting ? folder.Path : null).WithScopes(folder.Path);
            if (!isSetting)
            {
                rag.WithDocuments([new("a", "Cats purr.")]);
            }
        }).Build();
        Assert.Contains(
            "A registration with scopes reads no source",
            (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutAFolder_Fails()
    {
        using IHost host = new HostBuilder().ConfigureServices(services => services.AddCoachRag().WithScopes(options => options.MaxOpen = 0)).Build();
        Assert.Equal(
            "Coach:Rag:Scopes:Folder is missing; set it.; Coach:Rag:Scopes:MaxOpen is 0; it must be between 1 and 10000.",
            (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync())).Message);
    }

    [Fact]
    public async Task Named_Registration_HasScopesOfItsOwn()
    {
        using var folder = new TempFolder();
        await using ServiceProvider provider = new ServiceCollection()
            .AddCoachRag("files").WithScopes(folder.Path).Services
            .AddCoachRag().WithDocuments([new("a", "Cats purr.")]).Services
            .BuildServiceProvider();
        var scoped = provider.GetRequiredKeyedService<IKnowledgeBases>("files");
        await (await scoped.OpenAsync(KnowledgeScope.Of("x")))!.Knowledge.AddOrUpdateAsync([new("b", "Dogs bark.")]);
        Assert.Single((await provider.GetRequiredService<IRetriever>().RetrieveAsync("cats")).Passages);
        Assert.Empty((await provider.GetRequiredService<IRetriever>().RetrieveAsync("dogs")).Passages);
        Assert.Null(await provider.GetRequiredService<IKnowledgeBases>().OpenAsync(KnowledgeScope.OfTenant("files")));
    }

    [Fact]
    public async Task ManyScopes_RandomQuestionsAtOnce_FindNothingForeign()
    {
        const int Scopes = 24;
        const int MostOpen = 6;
        using var folder = new TempFolder();
        await using var host = new ScopeHost(folder, options => options.MaxOpen = MostOpen);
        KnowledgeScope[] scopes = [.. Enumerable.Range(0, Scopes).Select(n => n % 2 == 0 ? KnowledgeScope.OfTenant($"t{n}") : KnowledgeScope.Of($"T{n - 1}"))];
        foreach (KnowledgeScope scope in scopes)
        {
            await host.AddAsync(scope, "code.md", $"The code of the gate is {scope.Kind}{scope.Name}.");
        }

        var foreign = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (n, _) =>
        {
            KnowledgeScope scope = scopes[new Random(n).Next(Scopes)];
            string? found = await host.FindAsync(scope, "code gate");
            if (found != $"The code of the gate is {scope.Kind}{scope.Name}.")
            {
                foreign.Enqueue($"{n}: {found}");
            }
        });
        Assert.Empty(foreign);
        Assert.InRange(host.Table.OpenScopes!.Value, 1, MostOpen);
    }

    private static async Task<string> ExportAsync(ICallerData data, CallerContext caller)
    {
        using var stream = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(stream))
        {
            await data.ExportAsync(caller, writer);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class TakesUnscoped(IRetriever retriever)
    {
        public IRetriever Retriever => retriever;
    }

    private sealed class TakesKeyed([FromKeyedServices("menu")] IRetriever retriever)
    {
        public IRetriever Retriever => retriever;
    }

    /// <summary>A container whose documents are kept by scope.</summary>
    private sealed class ScopeHost(TempFolder folder, Action<CoachRagScopeOptions>? configure = null, TimeProvider? time = null) : IAsyncDisposable
    {
        private readonly TestHost _host = new(
            services => services.AddCoachRag(options => options.TimeLimit = TimeSpan.FromMinutes(1)).WithScopes(folder.Path, configure), time);

        public ServiceProvider Services => _host.Services;

        public IKnowledgeBases Bases => _host.Get<IKnowledgeBases>();

        public ScopeTable Table => _host.Get<ScopeTable>();

        public async Task AddAsync(KnowledgeScope scope, string id, string text)
        {
            IngestReport report = await (await Bases.OpenAsync(scope))!.Knowledge.AddOrUpdateAsync([new(id, text)]);
            Assert.Empty(report.Failed);
        }

        public async Task<string?> FindAsync(KnowledgeScope scope, string question)
        {
            Retrieval found = await (await Bases.OpenAsync(scope))!.Retriever.RetrieveAsync(question);
            return found.Passages.Count == 0 ? null : found.Passages[0].Text;
        }

        public ValueTask<ComponentReport> HealthAsync() => _host.Services.GetServices<IComponentHealth>().Single(health => health.Name == "rag").CheckAsync();

        public ValueTask DisposeAsync() => _host.DisposeAsync();
    }
}
