using System.Text;
using Coach.Testing;
using Processor.Runs;

namespace Processor.Tests.Runs;

public sealed class RunFramesTests
{
    [Fact]
    public void Logs_PastTheLimit_LoseTheOldest_TokensAndOutcomeNever()
    {
        var frames = new RunFrames(maxLogFrames: 2, new VirtualClock());
        for (int i = 1; i <= 5; i++)
        {
            frames.Append(FrameKind.Log, Encoding.UTF8.GetBytes($"{i}"));
            frames.Append(FrameKind.Token, [(byte)i]);
        }

        frames.Append(FrameKind.Final, []);

        List<(RunFrame Frame, long Dropped)> read = ReadAll(frames);
        Assert.Equal(["4", "5"], read.Where(r => r.Frame.Kind == FrameKind.Log).Select(r => Encoding.UTF8.GetString(r.Frame.Content)));
        Assert.Equal(5, read.Count(r => r.Frame.Kind == FrameKind.Token));
        Assert.Equal(FrameKind.Final, read[^1].Frame.Kind);
        Assert.Equal(3, read.Sum(r => r.Dropped));
    }

    [Fact]
    public async Task Next_AtTheEnd_WakesEveryReaderWhenThereIsMore()
    {
        var frames = new RunFrames(10, new VirtualClock());
        Task[] waiting = [frames.Next(0).More, frames.Next(0).More];

        frames.Append(FrameKind.Token, [1]);

        await Task.WhenAll(waiting);
        Assert.NotNull(frames.Next(0).Frame);
    }

    [Fact]
    public void Append_AfterTheOutcome_IsNotTaken()
    {
        var frames = new RunFrames(10, new VirtualClock());
        Assert.True(frames.Append(FrameKind.Final, []));
        Assert.False(frames.Append(FrameKind.Token, [1]));
        Assert.Single(ReadAll(frames));
    }

    [Fact]
    public void Bytes_CountWhatIsKept()
    {
        var frames = new RunFrames(maxLogFrames: 1, new VirtualClock());
        frames.Append(FrameKind.Log, new byte[100]);
        frames.Append(FrameKind.Log, new byte[10]);
        frames.Append(FrameKind.Token, new byte[1]);
        Assert.Equal(11, frames.Bytes);
    }

    private static List<(RunFrame Frame, long Dropped)> ReadAll(RunFrames frames)
    {
        var read = new List<(RunFrame, long)>();
        long position = 0;
        while (frames.Next(position) is { Frame: { } frame, Dropped: var dropped })
        {
            read.Add((frame, dropped));
            position = frame.Sequence;
        }

        return read;
    }
}
