using System.Collections.Concurrent;

namespace Memo.Jobs;

/// <summary>Tells those who watch a job that it changed. What it changed to is read from the database.</summary>
internal sealed class EvaluationEvents
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _watchers = new(StringComparer.Ordinal);

    /// <summary>A task that ends at the next change of a job. Take it before the job is read.</summary>
    public Task NextChange(string id) => _watchers.GetOrAdd(
        id, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Changed(string id)
    {
        if (_watchers.TryRemove(id, out TaskCompletionSource? watcher))
        {
            watcher.SetResult();
        }
    }
}
