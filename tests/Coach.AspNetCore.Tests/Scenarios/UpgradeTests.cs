using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Payments;
using Coach.Rag;
using Coach.Testing;
using Coach.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Tests.Scenarios;

/// <summary>What version 0.1.0 wrote (its files stand under Fixtures/0.1.0) is read by this one.</summary>
public sealed class UpgradeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public UpgradeTests()
    {
        string written = Path.Combine(AppContext.BaseDirectory, "Fixtures", "0.1.0");
        foreach (string file in Directory.EnumerateFiles(written, "*", SearchOption.AllDirectories))
        {
            string copy = _folder.File(Path.GetRelativePath(written, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Index_AnswersAtOnce_AndGoesOn()
    {
        await using (TestHost host = Knowledge("knowledge.coach", "documents"))
        {
            Retrieval found = await host.Get<IRetriever>().RetrieveAsync("When does the bar open?", null, Token);
            Assert.Equal("opening.md", found.Passages[0].Source);
            Assert.Contains("six in the evening", found.Passages[0].Text, StringComparison.Ordinal);
            Assert.Empty(await TextsAsync(host, "This page goes before the last commit"));
            Assert.Contains(await TextsAsync(host, "Negroni"), text => text.Contains("11.00", StringComparison.Ordinal));

            File.WriteAllText(_folder.File("documents/new.md"), "# Parking\n\nBehind the house there is room for six cars.\n");
            IngestReport report = await host.Get<IKnowledgeBase>().SyncAsync(cancellationToken: Token);
            Assert.Equal((0, 0), (report.Removed, report.Failed.Count));
            Assert.Equal(3, report.Added + report.Updated + report.Unchanged);
        }

        await using TestHost again = Knowledge("knowledge.coach", "documents");
        Assert.Contains(await TextsAsync(again, "Where can I leave my cars?"), text => text.Contains("six cars", StringComparison.Ordinal));
        Assert.Contains(await TextsAsync(again, "Negroni"), text => text.Contains("11.00", StringComparison.Ordinal));
    }

    [Fact]
    public async Task IndexWithVectors_IsStillAskedByMeaning()
    {
        using var letters = new Letters();
        await using TestHost host = Knowledge("vectors.coach", null, rag => rag.UseEmbeddings(letters));
        Retrieval found = await host.Get<IRetriever>().RetrieveAsync("Where is the lime?", null, Token);
        Assert.Equal((RagTier.Hybrid, null), (found.Tier, found.Degradation));
        Assert.NotEmpty(found.Passages);
        Assert.Equal(1, letters.Asked); // the question: no passage was embedded again
    }

    [Fact]
    public async Task PaymentRecords_KeepTheirLinks_AndAreToldNothingTwice()
    {
        JsonElement ids = Json("payments.json");
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        await using (TestHost host = Payments(stripe))
        {
            var links = host.Get<IPaymentLinks>();
            Assert.Equal(PaymentStatus.Pending, (await FindAsync(links, "open")).Status);
            Assert.Equal(PaymentStatus.Succeeded, (await FindAsync(links, "paid")).Status);
            Assert.Equal(2000, (await FindAsync(links, "paid")).Amount.MinorUnits);
            Assert.Equal(PaymentStatus.Expired, (await FindAsync(links, "closed")).Status);
            Assert.Equal(4, (await links.ListByOwnerAsync("session-1", 10, Token)).Count);

            PaymentLink replay = await links.CreateAsync(Order("open", 1250), Token);
            Assert.Equal((ids.GetProperty("open").GetString(), true), (replay.Id, replay.IsReplay));
            PaymentException conflict = await Assert.ThrowsAsync<PaymentException>(() => links.CreateAsync(Order("paid", 2100), Token));
            Assert.Equal(ErrorCodes.IdempotencyConflict, conflict.Code);
            Assert.Empty(await host.Get<IPaymentEvents>().ClaimAsync(10, cancellationToken: Token));
            Assert.Empty(stripe.Requests);
        }

        // And what this version wrote beside it is there the next time.
        await using TestHost again = Payments(stripe);
        Assert.Equal(PaymentStatus.Succeeded, (await FindAsync(again.Get<IPaymentLinks>(), "paid")).Status);

        async Task<PaymentLink> FindAsync(IPaymentLinks links, string name) =>
            (await links.FindAsync(ids.GetProperty(name).GetString()!, Token))!;
    }

    [Fact]
    public async Task Session_GoesOnWithItsKey_AndAnEndedOneStaysEnded()
    {
        JsonElement written = Json("sessions.json");
        var cache = new SharedCache();
        foreach (JsonProperty entry in written.GetProperty("cache").EnumerateObject())
        {
            cache.Set(entry.Name, entry.Value.GetBytesFromBase64(), new DistributedCacheEntryOptions());
        }

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.Services.AddRouting();
        builder.Services.AddSingleton<TimeProvider>(new VirtualClock(written.GetProperty("at").GetDateTimeOffset()));
        builder.Services.AddSingleton<IDistributedCache>(cache);
        builder.Services.AddDataProtection().PersistKeysToFileSystem(new DirectoryInfo(_folder.File("key-ring"))).SetApplicationName("coach");
        builder.AddCoach().Llm.UseDistributedSessionKeys();
        await using WebApplication app = builder.Build();
        app.UseCoach();
        app.MapCoach();
        await app.StartAsync(Token);

        JsonElement live = await SessionAsync(app, written.GetProperty("live"));
        Assert.Equal(written.GetProperty("live").GetProperty("session").GetString(), live.GetProperty("sessionId").GetString());
        JsonElement key = Assert.Single(live.GetProperty("keys").EnumerateArray());
        Assert.Equal(("gemini", "39488238300eb925"), (key.GetProperty("provider").GetString(), key.GetProperty("fingerprint").GetString()));

        JsonElement ended = await SessionAsync(app, written.GetProperty("ended"));
        Assert.NotEqual(written.GetProperty("ended").GetProperty("session").GetString(), ended.GetProperty("sessionId").GetString());
        Assert.Empty(ended.GetProperty("keys").EnumerateArray());
    }

    private static async Task<JsonElement> SessionAsync(WebApplication app, JsonElement browser)
    {
        using HttpClient client = app.GetTestClient();
        client.DefaultRequestHeaders.Add("Cookie", browser.GetProperty("cookie").GetString());
        return await client.GetFromJsonAsync<JsonElement>("/api/session", Token);
    }

    private static async Task<IReadOnlyList<string>> TextsAsync(TestHost host, string question) =>
        [.. (await host.Get<IRetriever>().RetrieveAsync(question, null, Token)).Passages.Select(passage => passage.Text)];

    private static PaymentLinkRequest Order(string key, long amount) => new()
    {
        OperationKey = key,
        Owner = "session-1",
        Amount = Money.Create(amount, "usd"),
        Description = "Bar tab " + key,
    };

    private JsonElement Json(string name) => JsonDocument.Parse(File.ReadAllText(_folder.File(name))).RootElement;

    private TestHost Knowledge(string index, string? documents, Action<CoachRagBuilder>? configure = null) => new(
        services =>
        {
            CoachRagBuilder rag = services.AddCoachRag().UseIndexFile(_folder.File(index));
            if (documents is not null)
            {
                rag.WithSource(_folder.File(documents));
            }

            configure?.Invoke(rag);
        },
        settings: []);

    private TestHost Payments(StripeFake stripe) => new(
        services => services.AddCoachPayments().UseFileStore(_folder.File("payments.journal")),
        new VirtualClock(),
        [
            new("STRIPE_API_KEY", "sk_test_coach"), new("STRIPE_WEBHOOK_SECRET", stripe.WebhookSecret),
            new("Coach:Payments:Stripe:BaseUrl", stripe.Url.AbsoluteUri),
        ]);

    /// <summary>What a cache server holds, whoever asks.</summary>
    private sealed class SharedCache : IDistributedCache
    {
        private readonly ConcurrentDictionary<string, byte[]> _entries = new(StringComparer.Ordinal);

        public byte[]? Get(string key) => _entries.GetValueOrDefault(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Refresh(string key)
        {
            // Nothing expires here.
        }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => _entries.TryRemove(key, out _);

        public Task RemoveAsync(string key, CancellationToken token = default)
        {
            Remove(key);
            return Task.CompletedTask;
        }

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => _entries[key] = value;

        public Task SetAsync(
            string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            Set(key, value, options);
            return Task.CompletedTask;
        }
    }

    /// <summary>The generator that embedded the passages of <c>vectors.coach</c>: it counts letters.</summary>
    private sealed class Letters : IEmbeddingGenerator<string, Embedding<float>>
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(Embed)));

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("test", null, "letters", 8) : null;

        public void Dispose()
        {
            // It holds nothing.
        }

        private Embedding<float> Embed(string text)
        {
            Interlocked.Increment(ref _asked);
            float[] vector = new float[8];
            foreach (char letter in text)
            {
                vector[letter % 8]++;
            }

            return new Embedding<float>(vector) { ModelId = "letters" };
        }
    }
}
