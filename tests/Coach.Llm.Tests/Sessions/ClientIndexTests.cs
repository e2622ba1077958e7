using Coach.Abstractions;
using Coach.Llm.Sessions;
using Coach.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Tests;

public sealed class ClientIndexTests : IDisposable
{
    private readonly ClientIndex _index = new();
    private readonly CoarseClock _clock = new(new VirtualClock(), TimeSpan.FromMinutes(1));

    public void Dispose() => _clock.Dispose();

    [Fact]
    public void Find_AfterRandomAddsAndRemoves_AgreesWithADictionary()
    {
        const int Seed = 20261121;
        TestContext.Current.TestOutputHelper?.WriteLine($"Seed {Seed}");
        var random = new Random(Seed);
        ApiKey key = LlmHost.Key("gemini", "k-1");
        var model = new Dictionary<string, ClientEntry>();
        for (int step = 0; step < 20_000; step++)
        {
            string session = $"s-{random.Next(3000)}";
            if (model.Remove(session, out ClientEntry? entry))
            {
                _index.Remove(entry);
            }
            else
            {
                model[session] = entry = Entry(session, typeof(string), key);
                _index.Add(entry);
            }

            string other = $"s-{random.Next(3000)}";
            Assert.Same(model.GetValueOrDefault(other), _index.Find(other, typeof(string), key));
        }

        Assert.Equal(model.Count, _index.Count);
    }

    [Fact]
    public void Find_OneSessionWithSeveralClients_TellsTypesKeysAndProvidersApart()
    {
        (Type Type, ApiKey Key)[] kinds =
            [(typeof(string), LlmHost.Key("gemini", "a")), (typeof(object), LlmHost.Key("gemini", "a")), (typeof(string), LlmHost.Key("openai", "a")), (typeof(string), LlmHost.Key("gemini", "b"))];
        ClientEntry[] entries = [.. kinds.Select(kind => Entry("s", kind.Type, kind.Key))];
        foreach (ClientEntry entry in entries)
        {
            _index.Add(entry);
        }

        foreach (((Type type, ApiKey key), ClientEntry entry) in kinds.Zip(entries))
        {
            Assert.Same(entry, _index.Find(new string("s"), type, new ApiKey(key.Provider, Secret.From(key.Secret.Reveal()))));
        }

        _index.Remove(entries[1]);
        _index.Remove(entries[1]);
        Assert.Null(_index.Find("s", typeof(object), kinds[1].Key));
        Assert.Same(entries[3], _index.Find("s", typeof(string), kinds[3].Key));
        Assert.Null(_index.Find("t", typeof(string), kinds[0].Key));
        Assert.Null(_index.Find("", typeof(string), kinds[0].Key));
    }

    [Fact]
    public void Find_IdsThatDifferInOneCharacter_AreToldApart()
    {
        ApiKey key = LlmHost.Key("gemini", "k-1");
        for (int length = 1; length <= 40; length++)
        {
            string id = new('a', length);
            ClientEntry entry = Entry(id, typeof(string), key);
            _index.Add(entry);
            Assert.Same(entry, _index.Find(id, typeof(string), key));
            for (int i = 0; i < length; i++)
            {
                Assert.Null(_index.Find(string.Concat(id.AsSpan(0, i), "b", id.AsSpan(i + 1)), typeof(string), key));
            }
        }
    }

    private ClientEntry Entry(string session, Type type, ApiKey key) => new(
        new object(), type, key, session, new SessionStore(null!, new ClientDisposer(NullLogger.Instance), _clock), reserved: 0);
}
