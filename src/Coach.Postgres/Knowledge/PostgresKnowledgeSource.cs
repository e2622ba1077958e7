using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Rag;

namespace Coach.Postgres.Knowledge;

/// <summary>
/// The log of documents as a source of an index: what changed is asked for by number (change feed), bodies are read in
/// blocks that grow while documents are read one after the other.
/// </summary>
#pragma warning disable CA1001 // semaphores that are only awaited hold no handle
internal sealed class PostgresKnowledgeSource(PostgresDatabase database, string knowledgeBase, TimeProvider time)
    : KnowledgeSource
{
    private const int PageSize = 10_000;
    private const int MaxBlock = 500;

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HintedPoll = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _listing = new(1);
    private readonly Dictionary<string, Entry> _documents = new(StringComparer.Ordinal);
    private long _sequence;
    private long? _missedAt;

    public override string Name => "postgres:" + knowledgeBase;

    public override async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Entry[] entries;
        await _listing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await CatchUpAsync(cancellationToken).ConfigureAwait(false);
            entries = [.. _documents.Values.OrderBy(entry => entry.Sequence)];
        }
        finally
        {
            _listing.Release();
        }

        var reader = new BlockReader(database, knowledgeBase, entries);
        for (int i = 0; i < entries.Length; i++)
        {
            int place = i;
            yield return new SourceItem(entries[i].Id, token => reader.ReadAsync(place, token))
            {
                Version = entries[i].Hash,
            };
        }
    }

    public override async Task WaitForChangeAsync(CancellationToken cancellationToken = default)
    {
        KnowledgeHints? hints = null;
        try
        {
            do
            {
                hints = await WaitAsync(hints, cancellationToken).ConfigureAwait(false);
            }
            while (!await HasGrownAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            if (hints is not null)
            {
                await hints.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    // For a hint where somebody listens, and for the time to the next look. Who has just begun to listen looks at once:
    // what was told before is told to nobody again.
    private async Task<KnowledgeHints?> WaitAsync(KnowledgeHints? hints, CancellationToken cancellationToken)
    {
        if (hints is null && database.ListenConnectionString is { Length: > 0 } address && MayListen())
        {
            hints = await KnowledgeHints.TryListenAsync(
                address, KnowledgeHints.HintOf(database.Schema, knowledgeBase), time, cancellationToken)
                .ConfigureAwait(false);
            if (hints is not null)
            {
                return hints;
            }

            _missedAt = time.GetTimestamp();
        }

        if (hints is null)
        {
            await Task.Delay(Poll, time, cancellationToken).ConfigureAwait(false);
            return null;
        }

        if (await hints.WaitAsync(HintedPoll, cancellationToken).ConfigureAwait(false))
        {
            return hints;
        }

        await hints.DisposeAsync().ConfigureAwait(false);
        return null;
    }

    // Where nobody answered, it is tried again no more often than a host that listens would look.
    private bool MayListen() => _missedAt is not { } missed || time.GetElapsedTime(missed) >= HintedPoll;

    private async Task<bool> HasGrownAsync(CancellationToken cancellationToken)
    {
        try
        {
            List<long> now = await database.QueryAsync(
                "look for new documents", "SELECT sequence FROM {schema}.knowledge_base WHERE name = $2",
                [Sql.Bytes(knowledgeBase)], static row => row.GetInt64(0), cancellationToken)
                .ConfigureAwait(false);
            return now.Count > 0 && now[0] > Volatile.Read(ref _sequence);
        }
        catch (StoreException)
        {
            return false; // the index answers from its file; the next look may find the database again
        }
    }

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        List<(string Id, long Sequence, string Hash, bool IsRemoved)> page;
        do
        {
            page = await database.QueryAsync(
                "read the log of documents",
                """
                SELECT id, sequence, hash, body IS NULL FROM {schema}.knowledge_document
                WHERE base = $2 AND sequence > $3 ORDER BY sequence LIMIT $4
                """,
                [Sql.Bytes(knowledgeBase), _sequence, PageSize],
                static row => (
                    Sql.Text(row.GetFieldValue<byte[]>(0)), row.GetInt64(1), row.GetString(2), row.GetBoolean(3)),
                cancellationToken).ConfigureAwait(false);
            foreach ((string id, long sequence, string hash, bool isRemoved) in page)
            {
                if (isRemoved)
                {
                    _documents.Remove(id);
                }
                else
                {
                    _documents[id] = new Entry(id, sequence, hash);
                }

                Volatile.Write(ref _sequence, sequence);
            }
        }
        while (page.Count == PageSize);
    }

    private sealed record Entry(string Id, long Sequence, string Hash);

    /// <summary>Reads bodies of one listing, in blocks.</summary>
    private sealed class BlockReader(PostgresDatabase database, string knowledgeBase, Entry[] entries)
    {
        private readonly SemaphoreSlim _reading = new(1);
        private readonly Dictionary<string, byte[]> _block = new(StringComparer.Ordinal);
        private int _size = 1;

        public async ValueTask<KnowledgeDocument> ReadAsync(int place, CancellationToken cancellationToken)
        {
            string id = entries[place].Id;
            await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
            byte[]? body;
            try
            {
                if (!_block.Remove(id, out body))
                {
                    await FillAsync(place, cancellationToken).ConfigureAwait(false);
                    _block.Remove(id, out body);
                }
            }
            finally
            {
                _reading.Release();
            }

            return body is null
                ? throw new InvalidOperationException("The document was removed while it was to be read.")
                : StoredText.Read(id, body);
        }

        private async Task FillAsync(int place, CancellationToken cancellationToken)
        {
            byte[][] ids = [.. entries.Skip(place).Take(_size).Select(entry => Sql.Bytes(entry.Id))];
            _size = Math.Min(MaxBlock, _size * 4);
            _block.Clear();
            List<(string Id, byte[] Body)> found = await database.QueryAsync(
                "read documents",
                "SELECT id, body FROM {schema}.knowledge_document WHERE base = $2 AND id = ANY($3) AND body IS NOT NULL",
                [Sql.Bytes(knowledgeBase), ids],
                static row => (Sql.Text(row.GetFieldValue<byte[]>(0)), row.GetFieldValue<byte[]>(1)),
                cancellationToken).ConfigureAwait(false);
            found.ForEach(row => _block[row.Id] = row.Body);
        }
    }
}
#pragma warning restore CA1001
