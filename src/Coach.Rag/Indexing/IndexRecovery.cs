using Coach.Rag.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>
/// What happens when a checksum of the index does not match: the last commit that is intact is served, else an empty
/// index takes the damaged one's place; then the sources are read again. One recovery runs at a time.
/// </summary>
internal sealed class IndexRecovery(IndexManager index, ILogger logger)
{
    private const string Key = "recovery";

    private readonly SingleFlight<string, bool> _runs = new(StringComparer.Ordinal);

    /// <summary>Called when there is something to repair or to read again.</summary>
    public event Action? Needed;

    /// <summary>Recovers, off the caller's thread.</summary>
    /// <returns>Whether there is an index to search now.</returns>
    public Task<bool> RunAsync() =>
        _runs.RunAsync(Key, _ => Task.Run(Recover, CancellationToken.None), CancellationToken.None);

    private bool Recover()
    {
        bool isServed = false;
        try
        {
            string name = index.Store.Name;
            try
            {
                index.PinLastGood(
                    $"Index '{name}' is damaged; its last good commit answers until the sources have been read again.",
                    CancellationToken.None);
                logger.LastGoodCommit(name);
                isServed = true;
            }
            catch (RagException e) when (e.Error == RagError.IndexCorrupt && !e.IsOtherVersion)
            {
                if (index.TryReplace(
                    $"Index '{name}' was damaged and set aside; it is being built anew from the sources."))
                {
                    logger.Rebuilding();
                    isServed = true;
                }
            }
        }
        catch (RagException e)
        {
            logger.RecoveryFailed(e.Error);
        }

        Needed?.Invoke();
        return isServed;
    }
}
