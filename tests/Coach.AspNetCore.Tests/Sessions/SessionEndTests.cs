using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class SessionEndTests
{
    private static readonly SessionId Session = SessionId.From("s1");

    [Fact]
    public async Task EndAsync_AStateThatFails_DoesNotKeepTheOthersAlive()
    {
        var revoked = new CachedRevokedSessionStore(
            new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())), TimeProvider.System); // the cache's own clock
        List<string> removed = [];
        var end = new SessionEnd(
            revoked,
            [
                new State("keys", () => throw new TimeoutException()),
                new State("clients", async () =>
                {
                    Assert.True(await revoked.IsRevokedAsync(Session, TestContext.Current.CancellationToken));
                    removed.Add("clients");
                }),
            ],
            Options.Create(new CoachSessionOptions()),
            TimeProvider.System,
            NullLogger<SessionEnd>.Instance);
        await end.EndAsync(Session);
        Assert.Equal(["clients"], removed);
        Assert.True(await revoked.IsRevokedAsync(Session, TestContext.Current.CancellationToken));
    }

    private sealed class State(string name, Func<Task> remove) : ISessionState
    {
        public string Name => name;

        public Task RemoveAsync(SessionId session) => remove();
    }
}
