namespace Processor.Runs;

/// <summary>
/// The frames of one run: an append-only log that any number of readers follow, each with a position of its own. A slow
/// reader costs nothing: it stands further back. Tokens, events and the outcome are kept; of Log frames only the
/// newest,
/// and a reader sees from the gap in the numbers how many it missed.
/// </summary>
internal sealed class RunFrames(int maxLogFrames, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<RunFrame> _frames = [];
    private TaskCompletionSource? _more;
    private long _last;
    private int _logs;
    private bool _isClosed;

    /// <summary>How many bytes of content are kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>Appends a frame; nothing follows the outcome.</summary>
    public bool Append(FrameKind kind, byte[] content)
    {
        TaskCompletionSource? more;
        lock (_lock)
        {
            if (_isClosed)
            {
                return false;
            }

            _isClosed = kind == FrameKind.Final;
            if (kind == FrameKind.Log && ++_logs > maxLogFrames)
            {
                int oldest = _frames.FindIndex(static frame => frame.Kind == FrameKind.Log);
                Bytes -= _frames[oldest].Content.Length;
                _frames.RemoveAt(oldest);
                _logs--;
            }

            _frames.Add(new RunFrame(++_last, kind, time.GetUtcNow().ToUnixTimeMilliseconds(), content));
            Bytes += content.Length;
            more = _more;
            _more = null;
        }

        more?.TrySetResult();
        return true;
    }

    /// <summary>
    /// The frame after a position, with how many were dropped between; or a task that ends when there is one.
    /// </summary>
    public (RunFrame? Frame, long Dropped, Task More) Next(long position)
    {
        lock (_lock)
        {
            int index = IndexAfter(position);
            if (index < _frames.Count)
            {
                RunFrame frame = _frames[index];
                return (frame, frame.Sequence - position - 1, Task.CompletedTask);
            }

            _more ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, 0, _more.Task);
        }
    }

    private int IndexAfter(long position)
    {
        int low = 0;
        int high = _frames.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_frames[middle].Sequence <= position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
