using Coach.Abstractions;
using Memo.Data;
using Memo.Jobs;

namespace Memo.Operations;

/// <summary>Whether the database answers and can be written, and how much waits.</summary>
internal sealed class DatabaseHealth(MemoDatabase database, EvaluationStore store, DataFolder folder) : IComponentHealth
{
    public string Name => "database";

    public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            (long queued, long running) = await store.CountAsync(cancellationToken).ConfigureAwait(false);
            string probe = Path.Combine(folder.Path, "probe.tmp");
            await File.WriteAllBytesAsync(probe, [0], cancellationToken).ConfigureAwait(false);
            File.Delete(probe);
            return new ComponentReport(
                ComponentState.Healthy, $"{database.Kind}: {queued} evaluations wait, {running} run.");
        }
        catch (StoreException exception)
        {
            return new ComponentReport(ComponentState.Unhealthy, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new ComponentReport(
                ComponentState.Unhealthy, "The data folder cannot be written. Free space on its disk, or change its rights.");
        }
    }
}
