using Coach.Llm.History;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// Conversations in this process's memory: a least-recently-used list with a sliding lifetime, bounded in number, in
/// length and a caller.
/// </summary>
/// <remarks>
/// One lock guards everything: an operation moves a few references, so a finer scheme would gain nothing that a chat
/// turn of seconds could show. Messages are kept as they are; callers get lists of their own with the same messages in
/// them.
/// </remarks>
public sealed class MemoryChatHistoryStore : IChatHistoryStore
{
    private const int MaxListed = 1_000;
    private const int MockShare = 4;

    private readonly ChatHistoryOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Caller, string Id), Conversation> _conversations = [];
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    // The longest idle first: reads and writes move a conversation to the end.
    private readonly LinkedList<Conversation> _byUse = [];
    private int _mocks;

    /// <summary>Creates an empty store.</summary>
    /// <param name="options">Its limits.</param>
    /// <param name="time">The clock of its lifetimes.</param>
    public MemoryChatHistoryStore(ChatHistoryOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        _options = options;
        _time = time;
    }

    /// <summary>How many conversations are kept now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                Expire();
                return _conversations.Count;
            }
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ChatMessage>> LoadAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        (string Caller, string Id) key = Key(caller, conversationId, cancellationToken);
        lock (_gate)
        {
            Expire();
            if (!_conversations.TryGetValue(key, out Conversation? conversation))
            {
                return Task.FromResult<IReadOnlyList<ChatMessage>>([]);
            }

            Touch(conversation);
            return Task.FromResult<IReadOnlyList<ChatMessage>>([.. conversation.Messages]);
        }
    }

    /// <inheritdoc />
    public Task AppendAsync(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken = default)
    {
        (string Caller, string Id) key = Key(caller, conversationId, cancellationToken);
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
        {
            throw new ArgumentException("Give the messages of a turn; there are none.", nameof(messages));
        }

        lock (_gate)
        {
            Expire();
            Conversation conversation = GetOrAdd(key);
            _mocks -= conversation.IsOfMock ? 1 : 0;
            conversation.Add(messages);
            conversation.Trim(_options.MaxMessages, _options.MaxLength);
            _mocks += conversation.IsOfMock ? 1 : 0;
            conversation.UpdatedAt = _time.GetUtcNow();
            Touch(conversation);
            MakeRoom(key.Caller);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<bool> TruncateAsync(
        CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default)
    {
        (string Caller, string Id) key = Key(caller, conversationId, cancellationToken);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        lock (_gate)
        {
            Expire();
            if (!_conversations.TryGetValue(key, out Conversation? conversation)
                || conversation.Messages.Count <= count)
            {
                return Task.FromResult(false);
            }

            _mocks -= conversation.IsOfMock ? 1 : 0;
            conversation.Truncate(count);
            _mocks += conversation.IsOfMock ? 1 : 0;
            Touch(conversation);
            return Task.FromResult(true);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ConversationInfo>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Expire();
            return Task.FromResult<IReadOnlyList<ConversationInfo>>([.. _byUse
                .Where(conversation => conversation.Key.Caller == caller.Key)
                .OrderByDescending(conversation => conversation.UpdatedAt)
                .Take(MaxListed)
                .Select(conversation => conversation.Info())]);
        }
    }

    /// <inheritdoc />
    public Task<bool> RenameAsync(
        CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default)
    {
        (string Caller, string Id) key = Key(caller, conversationId, cancellationToken);
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(title.Length, ConversationInfo.MaxTitleLength, nameof(title));
        lock (_gate)
        {
            Expire();
            if (!_conversations.TryGetValue(key, out Conversation? conversation))
            {
                return Task.FromResult(false);
            }

            conversation.Title = title;
            Touch(conversation);
            return Task.FromResult(true);
        }
    }

    /// <inheritdoc />
    public Task<bool> RemoveAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        (string Caller, string Id) key = Key(caller, conversationId, cancellationToken);
        lock (_gate)
        {
            Expire();
            if (!_conversations.TryGetValue(key, out Conversation? conversation))
            {
                return Task.FromResult(false);
            }

            Forget(conversation);
            return Task.FromResult(true);
        }
    }

    /// <inheritdoc />
    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Expire();
            Conversation[] own = [.. _byUse.Where(conversation => conversation.Key.Caller == caller.Key)];
            foreach (Conversation conversation in own)
            {
                Forget(conversation);
            }

            return Task.FromResult(own.Length);
        }
    }

    private static (string Caller, string Id) Key(
        CallerContext caller, string conversationId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(conversationId);
        cancellationToken.ThrowIfCancellationRequested();
        return SessionId.TryFrom(conversationId, out _)
            ? (caller.Key, conversationId)
            : throw new ArgumentException(
                $"A conversation's id has 1 to {SessionId.MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', ':' and '~'.",
                nameof(conversationId));
    }

    private Conversation GetOrAdd((string Caller, string Id) key)
    {
        if (_conversations.TryGetValue(key, out Conversation? known))
        {
            return known;
        }

        var conversation = new Conversation(key);
        conversation.Node = _byUse.AddLast(conversation);
        _conversations.Add(key, conversation);
        _counts[key.Caller] = _counts.GetValueOrDefault(key.Caller) + 1;
        return conversation;
    }

    private void Touch(Conversation conversation)
    {
        conversation.UsedAt = _time.GetTimestamp();
        _byUse.Remove(conversation.Node!);
        _byUse.AddLast(conversation.Node!);
    }

    private void MakeRoom(string caller)
    {
        if (_counts[caller] > _options.MaxConversationsPerCaller)
        {
            Forget(_byUse.First(conversation => conversation.Key.Caller == caller));
        }

        // Mock answers cost nobody anything, and everybody can have them: they take a quarter of the places, and push
        // out no conversation with a model.
        int mostMocks = Math.Max(1, _options.MaxConversations / MockShare);
        while (_conversations.Count > _options.MaxConversations || _mocks > mostMocks)
        {
            Forget(_byUse.FirstOrDefault(conversation => conversation.IsOfMock) ?? _byUse.First!.Value);
        }
    }

    private void Expire()
    {
        while (_byUse.First is { } oldest && _time.GetElapsedTime(oldest.Value.UsedAt) >= _options.Lifetime)
        {
            Forget(oldest.Value);
        }
    }

    private void Forget(Conversation conversation)
    {
        _byUse.Remove(conversation.Node!);
        _conversations.Remove(conversation.Key);
        _mocks -= conversation.IsOfMock ? 1 : 0;
        if (--_counts[conversation.Key.Caller] == 0)
        {
            _counts.Remove(conversation.Key.Caller);
        }
    }

    private sealed class Conversation((string Caller, string Id) key)
    {
        private readonly List<(ChatMessage Message, int Length)> _messages = [];
        private int _length;

        public string Title { get; set; } = "";

        public bool IsOfMock =>
            _messages.Count > 0 && _messages.TrueForAll(entry => MockTurns.IsMarked(entry.Message));

        public (string Caller, string Id) Key => key;

        public LinkedListNode<Conversation>? Node { get; set; }

        public long UsedAt { get; set; }

        public DateTimeOffset UpdatedAt { get; set; }

        public IReadOnlyList<ChatMessage> Messages => [.. _messages.Select(entry => entry.Message)];

        public ConversationInfo Info() => new(key.Id, Title, _messages.Count, UpdatedAt);

        public void Add(IReadOnlyList<ChatMessage> messages)
        {
            foreach (ChatMessage message in messages)
            {
                int length = HistoryText.Length(message);
                _messages.Add((message, length));
                _length += length;
                if (Title.Length == 0 && message.Role == ChatRole.User)
                {
                    Title = HistoryText.Title(message.Text);
                }
            }
        }

        public void Truncate(int count)
        {
            _length -= _messages.Skip(count).Sum(entry => entry.Length);
            _messages.RemoveRange(count, _messages.Count - count);
        }

        // A turn begins with a question. Half a turn would show a model answers, or results of tools, that nobody asked
        // for.
        public void Trim(int maxMessages, int maxLength)
        {
            while (_messages.Count > maxMessages || _length > maxLength)
            {
                int next = _messages.FindIndex(1, entry => entry.Message.Role == ChatRole.User);
                int dropped = next < 0 ? _messages.Count : next;
                _length -= _messages.Take(dropped).Sum(entry => entry.Length);
                _messages.RemoveRange(0, dropped);
            }
        }
    }
}
