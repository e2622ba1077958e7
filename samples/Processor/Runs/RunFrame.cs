namespace Processor.Runs;

/// <summary>What a frame of a run carries.</summary>
internal enum FrameKind
{
    /// <summary>What the run does: started, paused, completed.</summary>
    Event,

    /// <summary>A line for people; the only kind that may be dropped.</summary>
    Log,

    /// <summary>A piece of the answer.</summary>
    Token,

    /// <summary>The outcome; the last frame.</summary>
    Final,
}

/// <summary>One frame as the run made it, the same for all who watch and for both generations of frames.</summary>
/// <param name="Sequence">Its number in the run, from 1. Only dropped Log frames leave gaps.</param>
/// <param name="Kind">What it carries.</param>
/// <param name="UnixMilliseconds">When it was made.</param>
/// <param name="Content">Its content as JSON in UTF-8; empty for the outcome.</param>
internal sealed record RunFrame(long Sequence, FrameKind Kind, long UnixMilliseconds, byte[] Content);
