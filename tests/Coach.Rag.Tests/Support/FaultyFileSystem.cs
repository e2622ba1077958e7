using Coach.Rag.Store;

namespace Coach.Rag.Tests;

/// <summary>The process or the machine died: nothing after this reaches the disk.</summary>
internal sealed class CrashException : Exception;

/// <summary>
/// Writes to the real disk until a number of bytes has been written, then stops: as a crash of the process, as a loss of power (which
/// also damages what was not flushed), or as an error of the volume.
/// </summary>
internal sealed class FaultyFileSystem(long bytes, Func<Exception>? error = null, Random? powerLoss = null) : IndexFileSystem
{
    private const int SectorBytes = 512;
    private readonly List<(string Path, long Offset, int Length)> _unflushed = [];
    private long _left = bytes;
    private bool _isDead;

    public long Written { get; private set; }

    /// <summary>Called after each write with its length.</summary>
    public Action<int>? AfterWrite { get; init; }

    public override IndexWritableFile OpenForWriting(string path, bool create)
    {
        Die();
        return new FaultyFile(this, path, Disk.OpenForWriting(path, create));
    }

    public override void Replace(string source, string target)
    {
        Spend(1);
        File.Move(source, target, overwrite: true);     // the folder is not flushed: hundreds of rounds would wait for the device
    }

    public override void Delete(string path)
    {
        Die();
        Disk.Delete(path);
    }

    public override IDisposable OpenExclusively(string path)
    {
        Die();
        return Disk.OpenExclusively(path);
    }

    private void Die()
    {
        if (_isDead && error is null)
        {
            throw new CrashException();
        }
    }

    private int Spend(int count)
    {
        Die();
        int allowed = (int)Math.Min(count, _left);
        _left -= allowed;
        Written += allowed;
        if (allowed == count)
        {
            return count;
        }

        _isDead = true;
        return allowed;
    }

    private void Fail()
    {
        if (powerLoss is not null)
        {
            foreach ((string path, long offset, int length) in _unflushed)
            {
                using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                for (int at = 0; at < length; at += SectorBytes)
                {
                    if (powerLoss.Next(2) == 0)
                    {
                        var lost = new byte[Math.Min(SectorBytes, length - at)];
                        if (powerLoss.Next(2) == 0)
                        {
                            powerLoss.NextBytes(lost);
                        }

                        file.Position = offset + at;
                        file.Write(lost);
                    }
                }
            }
        }

        throw error?.Invoke() ?? new CrashException();
    }

    private sealed class FaultyFile(FaultyFileSystem owner, string path, IndexWritableFile inner) : IndexWritableFile
    {
        public override long Length => inner.Length;

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            int allowed = owner.Spend(bytes.Length);
            inner.Write(bytes[..allowed], offset);
            owner._unflushed.Add((path, offset, allowed));
            if (allowed < bytes.Length)
            {
                owner.Fail();
            }

            owner.AfterWrite?.Invoke(bytes.Length);
        }

        public override void SetLength(long length)
        {
            owner.Die();
            inner.SetLength(length);
        }

        public override void Flush()
        {
            owner.Die();
            owner._unflushed.RemoveAll(write => write.Path == path);
        }

        public override void Dispose() => inner.Dispose();
    }
}
