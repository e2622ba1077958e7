using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using Processor.Configuration;

namespace Processor.Runs;

/// <summary>
/// The runs of this process by id: those that wait and run up to a limit, those that ended for a while.
/// </summary>
internal sealed class RunRegistry(
    IOptions<ProcessorOptions> options, TimeProvider time, RunMetrics metrics) : IDisposable
{
    private readonly ProcessorOptions _options = options.Value;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Run> _runs = new(StringComparer.Ordinal);
    private readonly Queue<Run> _finished = new();
    private long _finishedBytes;
    private bool _isDraining;

    /// <summary>How many runs wait or run.</summary>
    public int Active
    {
        get
        {
            lock (_lock)
            {
                return _runs.Count - _finished.Count;
            }
        }
    }

    public bool IsDraining
    {
        get
        {
            lock (_lock)
            {
                return _isDraining;
            }
        }
    }

    /// <summary>Finds a run or makes it, and counts the caller among those who watch it.</summary>
    /// <param name="id">The run's id.</param>
    /// <param name="run">The run; null when it was refused.</param>
    /// <param name="refusal">Why it was refused; null when it was not.</param>
    public bool TryAttach(string id, [NotNullWhen(true)] out Run? run, [NotNullWhen(false)] out string? refusal)
    {
        List<Run> orphans = [];
        lock (_lock)
        {
            Sweep(orphans);
            metrics.Watch(this);
            if (_runs.TryGetValue(id, out run))
            {
                refusal = run.Connections < _options.MaxConnectionsPerRun
                    ? null
                    : $"{_options.MaxConnectionsPerRun} connections watch this run; close one of them.";
            }
            else if (_isDraining)
            {
                refusal = "This processor is stopping; connect again to reach another.";
            }
            else if (_runs.Count - _finished.Count >= _options.MaxRuns)
            {
                refusal = $"This processor has {_options.MaxRuns} runs; try again when one has ended.";
            }
            else
            {
                run = new Run(id, _options.MaxLogFrames, time);
                _runs.Add(id, run);
                refusal = null;
            }

            if (refusal is null)
            {
                run!.Connections++;
            }
            else
            {
                run = null;
            }
        }

        foreach (Run orphan in orphans)
        {
            Abandon(orphan);
        }

        return refusal is null;
    }

    /// <summary>One watcher less.</summary>
    public void Detach(Run run)
    {
        lock (_lock)
        {
            run.Connections--;
        }
    }

    /// <summary>Ends a run and keeps it for those who come back.</summary>
    public void Finish(Run run, RunOutcome outcome)
    {
        if (!run.Finish(outcome))
        {
            return;
        }

        metrics.Ended(outcome);
        lock (_lock)
        {
            _finished.Enqueue(run);
            _finishedBytes += run.Frames.Bytes;
            Sweep(orphans: null);
        }
    }

    /// <summary>No new runs from now on.</summary>
    /// <returns>The runs that still go on.</returns>
    public IReadOnlyList<Run> Drain()
    {
        lock (_lock)
        {
            _isDraining = true;
            return [.. _runs.Values.Where(run => run.Outcome is null)];
        }
    }

    /// <summary>Ends a run to which no client brought inputs in time.</summary>
    public void Abandon(Run run) => Finish(run, new RunOutcome
    {
        RunId = run.Id,
        ErrorCode = RunErrors.Timeout,
        ErrorMessage = "No client brought the inputs of this run in time.",
    });

    public void Dispose()
    {
        foreach (Run run in _runs.Values)
        {
            run.Dispose();
        }
    }

    private void Sweep(List<Run>? orphans)
    {
        while (_finished.TryPeek(out Run? oldest)
            && (_finished.Count > _options.MaxFinishedRuns
                || _finishedBytes > _options.MaxFinishedBytes
                || time.GetElapsedTime(oldest.Finished) >= _options.Retention))
        {
            _finished.Dequeue();
            _finishedBytes -= oldest.Frames.Bytes;
            _runs.Remove(oldest.Id);
        }

        if (orphans is not null && _runs.Count - _finished.Count >= _options.MaxRuns / 2)
        {
            orphans.AddRange(_runs.Values.Where(run => !run.HasStarted
                && run.Outcome is null
                && time.GetElapsedTime(run.Created) >= _options.PendingTimeout));
        }
    }
}
