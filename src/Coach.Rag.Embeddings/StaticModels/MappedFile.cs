using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Coach.Rag.Embeddings.StaticModels;

/// <summary>A file, memory-mapped for reading, with a reference count: it stays mapped while a call holds it.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _pointer;
    private int _references = 1;
    private int _disposed;

    private MappedFile(SafeFileHandle handle, long length)
    {
        Length = length;
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: true);
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _pointer = pointer + _view.PointerOffset;
    }

    // Memory that the runtime mapped and keeps.
    private MappedFile(byte* pointer, long length)
    {
        _pointer = pointer;
        Length = length;
    }

    /// <summary>The first byte. The caller holds the file, or is its only user.</summary>
    public byte* Start => _pointer;

    /// <summary>How many bytes there are.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <returns>Null when it is empty.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static MappedFile? Open(string path)
    {
        using SafeFileHandle handle = File.OpenHandle(path);
        long length = RandomAccess.GetLength(handle);
        return length == 0 ? null : new MappedFile(handle, length);
    }

    /// <summary>A resource of an assembly, which the runtime maps with it.</summary>
    /// <returns>Null when it is empty.</returns>
    public static MappedFile? Of(UnmanagedMemoryStream resource) =>
        resource.Length == 0 ? null : new MappedFile(resource.PositionPointer, resource.Length);

    /// <summary>Some bytes. The caller holds the file, or is its only user.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public ReadOnlySpan<byte> Slice(long start, int length)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new ReadOnlySpan<byte>(_pointer + start, length);
    }

    /// <summary>Keeps the file mapped until <see cref="Free"/>, disposed or not.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public void Hold()
    {
        ThrowIfDisposed();
        int now;
        do
        {
            now = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(now <= 0, typeof(MappedFile));
        }
        while (Interlocked.CompareExchange(ref _references, now + 1, now) != now);
    }

    /// <summary>Ends one <see cref="Hold"/>.</summary>
    public void Free()
    {
        if (Interlocked.Decrement(ref _references) == 0 && _view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
    }

    /// <summary>Unmaps the file after its last holder.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Free();
        }
    }

    private void ThrowIfDisposed() =>
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, typeof(MappedFile));
}
