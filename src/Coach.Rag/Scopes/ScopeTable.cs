using Coach.Rag.Diagnostics;
using Coach.Rag.Indexing;
using Coach.Rag.Tiers;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Scopes;

/// <summary>
/// The scopes that are open: a bounded number, of which the least recently used one without a call gives way; each call
/// holds a lease, so that nothing is closed under it.
/// </summary>
internal sealed class ScopeTable : IRagGauges, IAsyncDisposable, IDisposable
{
    private const int PruneAt = 1024;

    private readonly ScopeSetup _setup;
    private readonly ScopeFiles _files;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, WeakReference<ScopeSlot>> _slots = new(StringComparer.Ordinal);
    private readonly LinkedList<ScopeSlot> _open = [];     // the least recently used first
    private readonly SemaphoreSlim _places;
    private readonly ITimer? _idle;
    private int _pruneAt = PruneAt;
    private int _waiting;
    private int _closing;
    private RagException? _failure;
    private bool _isDisposed;

    public ScopeTable(ScopeSetup setup)
    {
        _setup = setup;
        _files = new ScopeFiles(setup.Scopes.Folder!);
        _logger = setup.Logger<ScopeTable>();
        _places = new SemaphoreSlim(setup.Scopes.MaxOpen);
        TimeSpan closeAfter = setup.Scopes.CloseAfter;
        if (closeAfter > TimeSpan.Zero)
        {
            _idle = setup.Time.CreateTimer(
                static table => ((ScopeTable)table!).CloseIdle(), this, closeAfter / 2, closeAfter / 2);
        }

        setup.Instruments.Add(this);
    }

    public CoachRagScopeOptions Options => _setup.Scopes;

    /// <summary>Why the last scope that was asked for could not be opened; null when it could.</summary>
    public RagException? Failure => Volatile.Read(ref _failure);

    public KeyValuePair<string, object?>[] Tags => _setup.Metrics.Tags;

    /// <summary>The best tier of the open scopes: what answers a question at best.</summary>
    public RagTier Tier
    {
        get
        {
            ScopeServices[] open = Opened();
            if (open.Length == 0 && Failure is not null)
            {
                return RagTier.None;
            }

            // None is 0 and the best tier is 1.
            return open.Select(services => services.Retriever.Tier).Where(tier => tier != RagTier.None)
                .DefaultIfEmpty(RagTier.Lexical).Min();
        }
    }

    public int Documents => Opened().Sum(static services => CountOf(services.Knowledge));

    public KnowledgeAccount Account => KnowledgeAccount.Empty;

    public int? OpenScopes
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>The one slot of a scope, as long as anybody holds it.</summary>
    public ScopeSlot SlotOf(string file)
    {
        lock (_gate)
        {
            if (_slots.TryGetValue(file, out WeakReference<ScopeSlot>? known)
                && known.TryGetTarget(out ScopeSlot? slot))
            {
                return slot;
            }

            slot = new ScopeSlot(file);
            _slots[file] = new WeakReference<ScopeSlot>(slot);
            if (_slots.Count >= _pruneAt)
            {
                Prune();
            }

            return slot;
        }
    }

    /// <summary>Begins a call on a scope; opens it first where it is closed.</summary>
    /// <exception cref="RagException">
    /// It was removed, cannot be opened, or as many as may be are in use for longer than the limit.
    /// </exception>
    public async ValueTask<ScopeLease> AcquireAsync(ScopeSlot slot, CancellationToken cancellationToken)
    {
        if (TryLease(slot) is { } lease)
        {
            return lease;
        }

        using var deadline = new Deadline(Options.OpenTimeLimit, _setup.Time, cancellationToken);
        try
        {
            await slot.Gate.WaitAsync(deadline.Token).ConfigureAwait(false);
            try
            {
                return TryLease(slot) ?? await OpenAsync(slot, deadline.Token).ConfigureAwait(false);
            }
            finally
            {
                slot.Gate.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw Failed(RagException.ScopesInUse(Options.MaxOpen, Options.OpenTimeLimit));
        }
    }

    /// <summary>As <see cref="AcquireAsync"/>, for what cannot wait otherwise.</summary>
    public ScopeLease Acquire(ScopeSlot slot) =>
        TryLease(slot) ?? Task.Run(() => AcquireAsync(slot, CancellationToken.None).AsTask()).GetAwaiter().GetResult();

    /// <summary>Whether a scope has a file, or is open: there may be something to remove.</summary>
    public bool MayExist(string file)
    {
        lock (_gate)
        {
            if (_slots.TryGetValue(file, out WeakReference<ScopeSlot>? known) && known.TryGetTarget(out _))
            {
                return true;
            }
        }

        return _files.Exists(file) || _files.HasRemains(file);
    }

    /// <summary>Ends a call.</summary>
    public void Release(ScopeSlot slot)
    {
        TaskCompletionSource? drained = null;
        lock (_gate)
        {
            slot.LastUsed = _setup.Time.GetTimestamp();
            if (--slot.Leases == 0)
            {
                drained = slot.Drained;
                MakePlaceIfNeeded();
            }
        }

        drained?.TrySetResult();
    }

    /// <summary>Waits for the calls on a scope, closes it and erases its files.</summary>
    /// <returns>Whether there were documents.</returns>
    public async ValueTask<bool> RemoveAsync(string file, CancellationToken cancellationToken)
    {
        ScopeSlot slot = SlotOf(file);
        using var deadline = new Deadline(Options.OpenTimeLimit, _setup.Time, cancellationToken);
        try
        {
            await slot.Gate.WaitAsync(deadline.Token).ConfigureAwait(false);
            try
            {
                return await RemoveAsync(slot, deadline.Token).ConfigureAwait(false);
            }
            finally
            {
                slot.Gate.Release();
            }
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            throw RagException.ScopeInUse(file, Options.OpenTimeLimit);
        }
    }

    public async ValueTask DisposeAsync()
    {
        (ScopeSlot[] open, Task[] closing) = Stop();
        foreach (ScopeSlot slot in open)
        {
            await slot.Closing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>As <see cref="DisposeAsync"/>, without waiting; what runs ends at its next step.</summary>
    public void Dispose() => Stop();

    private static int CountOf(KnowledgeBase knowledge)
    {
        try
        {
            return knowledge.DocumentCount;
        }
        catch (Exception e) when (e is RagException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private ScopeServices[] Opened()
    {
        lock (_gate)
        {
            return [.. _open.Select(slot => slot.Services!)];
        }
    }

    private ScopeLease? TryLease(ScopeSlot slot)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (slot.IsRemoved && slot.Drained is null)
            {
                throw RagException.ScopeRemoved(slot.File);
            }

            if (slot.IsRemoved || slot.Services is not { } services)
            {
                return null;
            }

            slot.Leases++;
            _open.Remove(slot.Place);
            _open.AddLast(slot.Place);
            return new ScopeLease(this, slot, services);
        }
    }

    // With the slot's gate held.
    private async Task<ScopeLease> OpenAsync(ScopeSlot slot, CancellationToken cancellationToken)
    {
        await slot.Closing.WaitAsync(cancellationToken).ConfigureAwait(false);
        await TakePlaceAsync(cancellationToken).ConfigureAwait(false);
        ScopeServices services;
        try
        {
            services = await Task.Run(() => ScopeServices.Open(_setup, _files, slot.File), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (RagException e)
        {
            _places.Release();
            throw Failed(e);
        }
        catch
        {
            _places.Release();
            throw;
        }

        _setup.Metrics.ScopeOpened(isOpen: true);
        if (Interlocked.Exchange(ref _failure, null) is not null)
        {
            _logger.ScopesRecovered();
        }

        lock (_gate)
        {
            if (!_isDisposed)
            {
                slot.Services = services;
                slot.Leases++;
                _open.AddLast(slot.Place);
                return new ScopeLease(this, slot, services);
            }
        }

        await services.DisposeAsync().ConfigureAwait(false);
        _places.Release();
        throw new ObjectDisposedException(nameof(ScopeTable));
    }

    private async Task TakePlaceAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _waiting++;
            MakePlaceIfNeeded();
        }

        try
        {
            await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _waiting--;
            }
        }
    }

    // With the lock held. What is learning gives way last: it starts anew when it is opened again.
    private void MakePlaceIfNeeded()
    {
        if (_waiting <= _places.CurrentCount + _closing)
        {
            return;
        }

        ScopeSlot? victim = _open.FirstOrDefault(slot => slot.Leases == 0 && !slot.Services!.Knowledge.IsLearning)
            ?? _open.FirstOrDefault(slot => slot.Leases == 0);
        if (victim is not null)
        {
            Close(victim, "evicted");
        }
    }

    private void CloseIdle()
    {
        lock (_gate)
        {
            ScopeSlot[] idle = [.. _open.Where(slot => slot.Leases == 0
                && _setup.Time.GetElapsedTime(slot.LastUsed) >= Options.CloseAfter)];
            foreach (ScopeSlot slot in idle)
            {
                Close(slot, "idle");
            }
        }
    }

    // With the lock held; the place is free when the file is closed.
    private void Close(ScopeSlot slot, string reason)
    {
        ScopeServices services = slot.Services!;
        slot.Services = null;
        _open.Remove(slot.Place);
        _closing++;
        slot.Closing = Task.Run(() => CloseAsync(slot, services, reason));
    }

    private async Task CloseAsync(ScopeSlot slot, ScopeServices services, string reason)
    {
        try
        {
            await services.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whatever it is: the next opening finds the last commit.
            _logger.ScopeNotClosed(slot.File, e.GetType().Name);
        }

        _setup.Metrics.ScopeClosed(reason);
        lock (_gate)
        {
            _closing--;
            _places.Release();
        }
    }

    // With the slot's gate held.
    private async ValueTask<bool> RemoveAsync(ScopeSlot slot, CancellationToken cancellationToken)
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (slot.IsRemoved)
            {
                return false;       // by another call, while this one waited
            }

            (slot.IsRemoved, slot.Drained) = (true, drained);
            if (slot.Leases == 0)
            {
                drained.TrySetResult();
            }
        }

        bool isErased = false;
        try
        {
            await drained.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                if (slot.Services is not null)
                {
                    Close(slot, "removed");
                }
            }

            await slot.Closing.WaitAsync(cancellationToken).ConfigureAwait(false);
            bool existed = await Task.Run(() => Erase(slot.File), cancellationToken).ConfigureAwait(false);
            isErased = true;
            return existed;
        }
        finally
        {
            lock (_gate)
            {
                slot.Drained = null;
                slot.IsRemoved = isErased;
                if (isErased)
                {
                    _slots.Remove(slot.File);
                }
            }
        }
    }

    private bool Erase(string file)
    {
        using IDisposable claim = _files.Claim(file);
        bool existed = _files.Erase(file);
        _files.Tidy(file);
        return existed;
    }

    private RagException Failed(RagException failure)
    {
        _setup.Metrics.ScopeOpened(isOpen: false);
        if (Interlocked.Exchange(ref _failure, failure)?.Error != failure.Error)
        {
            _logger.ScopeFailed(failure.Error, failure.Message);
        }

        return failure;
    }

    private void Prune()
    {
        foreach ((string file, WeakReference<ScopeSlot> slot) in _slots)
        {
            if (!slot.TryGetTarget(out _))
            {
                _slots.Remove(file);
            }
        }

        _pruneAt = Math.Max(PruneAt, _slots.Count * 2);
    }

    private (ScopeSlot[] Open, Task[] Closing) Stop()
    {
        _idle?.Dispose();
        lock (_gate)
        {
            _isDisposed = true;
            ScopeSlot[] open = [.. _open];
            foreach (ScopeSlot slot in open)
            {
                Close(slot, "stopped");
            }

            Task[] closing =
            [
                .. _slots.Values.Select(slot => slot.TryGetTarget(out ScopeSlot? known) ? known.Closing : null)
                    .OfType<Task>(),
            ];
            return (open, closing);
        }
    }
}
