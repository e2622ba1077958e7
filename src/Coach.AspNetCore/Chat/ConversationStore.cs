using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Internal;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// What sessions asked and were answered lately, in this process's memory only. An idle conversation is forgotten, and
/// the longest idle ones make room when there are too many.
/// </summary>
internal sealed class ConversationStore : ISessionState, IDisposable
{
    private readonly CoachChatOptions _options;
    private readonly MemoryCache _cache;

    public ConversationStore(IOptions<CoachChatOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _cache = new MemoryCache(
            new MemoryCacheOptions { SizeLimit = _options.MaxConversations, Clock = new Clock(time) });
    }

    public int Count => _cache.Count;

    /// <summary>
    /// The session's conversation. One that was removed meanwhile can still be added to, and nobody sees it.
    /// </summary>
    public Conversation Get(SessionId session) => _cache.GetOrCreate(session, entry =>
    {
        entry.Size = 1;
        entry.SlidingExpiration = _options.HistoryLifetime;
        return new Conversation(_options.HistoryTurns, _options.MaxHistoryLength);
    })!;

    public void Remove(SessionId session) => _cache.Remove(session);

    string ISessionState.Name => "conversation";

    Task ISessionState.RemoveAsync(SessionId session)
    {
        Remove(session);
        return Task.CompletedTask;
    }

    public void Dispose() => _cache.Dispose();

    private sealed class Clock(TimeProvider time) : ISystemClock
    {
        public DateTimeOffset UtcNow => time.GetUtcNow();
    }
}
