using Microsoft.Win32.SafeHandles;

namespace Coach.Payments;

/// <summary>The journal's bytes on disk. Tests derive from it to fill the disk.</summary>
internal class JournalFile(string path) : IDisposable
{
    private SafeFileHandle? _handle;

    public string Path { get; } = path;

    public long Length => RandomAccess.GetLength(Handle);

    private SafeFileHandle Handle => _handle ??= File.OpenHandle(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);

    public byte[] ReadAll()
    {
        long length = Length;
        byte[] bytes = new byte[length];
        int read = 0;
        while (read < length && RandomAccess.Read(Handle, bytes.AsSpan(read), read) is > 0 and var more)
        {
            read += more;
        }

        return read == length ? bytes : bytes[..read];
    }

    public virtual void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(Handle, bytes, offset);

    public virtual void Flush() => RandomAccess.FlushToDisk(Handle);

    public virtual void SetLength(long length) => RandomAccess.SetLength(Handle, length);

    /// <summary>Puts new content in the place of the old, all or nothing.</summary>
    public virtual void Replace(ReadOnlySpan<byte> bytes)
    {
        string temporary = Path + ".new";
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(file, bytes, 0);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, Path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        _handle?.Dispose();
        _handle = null;

        try
        {
            // On journaling file systems this also settles the rename. The new content itself is on disk already.
            RandomAccess.FlushToDisk(Handle);
        }
        catch (IOException)
        {
        }
    }

    public void Dispose() => _handle?.Dispose();
}
