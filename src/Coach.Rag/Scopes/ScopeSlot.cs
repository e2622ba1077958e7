namespace Coach.Rag.Scopes;

/// <summary>
/// A scope that somebody holds, open or not. All but <see cref="Gate"/> is guarded by the table's lock.
/// </summary>
internal sealed class ScopeSlot
{
    public ScopeSlot(string file)
    {
        File = file;
        Place = new LinkedListNode<ScopeSlot>(this);
    }

    /// <summary>The name of its file.</summary>
    public string File { get; }

    /// <summary>Its place among those that are open.</summary>
    public LinkedListNode<ScopeSlot> Place { get; }

    /// <summary>Held while it is opened or removed.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Its services; null while it is closed.</summary>
    public ScopeServices? Services { get; set; }

    /// <summary>Calls that read or write it now.</summary>
    public int Leases { get; set; }

    /// <summary>When the last of them ended.</summary>
    public long LastUsed { get; set; }

    /// <summary>Ends when it is closed after the last use.</summary>
    public Task Closing { get; set; } = Task.CompletedTask;

    /// <summary>Set while and after it is removed: no call begins.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Told when the last call ends while it is removed.</summary>
    public TaskCompletionSource? Drained { get; set; }
}

/// <summary>One call's use of an open scope.</summary>
internal readonly struct ScopeLease(ScopeTable table, ScopeSlot slot, ScopeServices services) : IDisposable
{
    public ScopeServices Services => services;

    public void Dispose() => table.Release(slot);
}
