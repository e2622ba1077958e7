using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Coach.Payments.Idempotency;

/// <summary>
/// The journal's bytes on disk. Space is reserved ahead: forcing bytes out that lie in space the file has already is
/// several times cheaper than forcing out a file that grows. Tests derive from it to fill the disk.
/// </summary>
internal class JournalFile(string path, FileShare share = FileShare.Read) : IDisposable
{
    private const int MapAlignment = 64 * 1024;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private SafeFileHandle? _handle;
    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _tail;

    public string Path { get; } = path;

    public long Length => RandomAccess.GetLength(Handle);

    public SafeFileHandle Handle =>
        _handle ??= File.OpenHandle(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share);

    /// <summary>Reads as much as there is.</summary>
    public int Read(Span<byte> buffer, long offset)
    {
        int length = 0;
        while (length < buffer.Length
            && RandomAccess.Read(Handle, buffer[length..], offset + length) is > 0 and var more)
        {
            length += more;
        }

        return length;
    }

    public virtual void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(Handle, bytes, offset);

    /// <summary>Fills with zeros up to a new end, and forces the new size to disk with everything else.</summary>
    public void Reserve(long from, long to)
    {
        Unmap();
        for (long at = from; at < to; at += Zeros.Length)
        {
            Write(Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, to - at)), at);
        }

        RandomAccess.FlushToDisk(Handle);

        // On Linux msync(MS_SYNC) is fdatasync of a range: it leaves out the file's times, whose every change would
        // cost a commit of the file system's journal. .NET offers no other way to it. The view itself is never read or
        // written.
        if (OperatingSystem.IsLinux())
        {
            long start = from / MapAlignment * MapAlignment;
            _map = MemoryMappedFile.CreateFromFile(
                Handle, null, to, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
            _tail = _map.CreateViewAccessor(start, to - start, MemoryMappedFileAccess.ReadWrite);
        }
    }

    /// <summary>Forces what was written into reserved space to disk.</summary>
    public virtual void Flush()
    {
        if (_tail is { } tail)
        {
            tail.Flush();
        }
        else
        {
            RandomAccess.FlushToDisk(Handle);
        }
    }

    public virtual void SetLength(long length)
    {
        Unmap();
        RandomAccess.SetLength(Handle, length);
    }

    /// <summary>Puts new content in the place of the old, all or nothing.</summary>
    public virtual void Replace(ReadOnlySpan<byte> bytes) => Replace([bytes.ToArray()]);

    /// <summary>Puts new content, a piece at a time, in the place of the old, all or nothing.</summary>
    /// <returns>How long it is.</returns>
    public long Replace(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        long length = 0;
        string temporary = Path + ".new";
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                foreach (ReadOnlyMemory<byte> piece in pieces)
                {
                    RandomAccess.Write(file, piece.Span, length);
                    length += piece.Length;
                }

                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, Path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        Unmap();
        _handle?.Dispose();
        _handle = null;

        try
        {
            // .NET cannot open a folder to flush it. Flushing the renamed file settles the rename on ext4, XFS, Btrfs
            // and NTFS (decision 0305).
            RandomAccess.FlushToDisk(Handle);
        }
        catch (IOException)
        {
            // The old content would come back after a loss of power; both are complete, and the next growth flushes
            // again.
        }

        return length;
    }

    public void Dispose()
    {
        Unmap();
        _handle?.Dispose();
    }

    private void Unmap()
    {
        _tail?.Dispose();
        _map?.Dispose();
        _tail = null;
        _map = null;
    }
}
