namespace Coach.Proofs.Host.Fuzzing;

/// <summary>Something that reads bytes which others may have changed.</summary>
internal abstract class FuzzTarget : IAsyncDisposable
{
    public abstract string Name { get; }

    /// <summary>Whether what nobody changed is read as it should be: else nothing would be tried at all.</summary>
    public abstract Task<bool> ReadsGoodAsync();

    /// <summary>The next input that the seed decides.</summary>
    public abstract byte[] Next();

    /// <summary>Reads an input: null when what came of it is right, else what is wrong. Whatever it throws is a crash.</summary>
    public abstract Task<string?> TryAsync(byte[] input);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
