using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Coach.Rag.Store;

/// <summary>
/// Read-only memory that segments live in: part of a mapped file, or a native allocation. Reference-counted: freed with
/// its last holder.
/// </summary>
internal abstract unsafe class MappedMemory
{
    private int _references = 1;

    /// <summary>The first byte.</summary>
    public abstract byte* Pointer { get; }

    /// <summary>How many bytes there are.</summary>
    public abstract long Length { get; }

    public bool IsReleased => Volatile.Read(ref _references) <= 0;

    public void AddReference()
    {
        int now;
        do
        {
            now = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(now <= 0, typeof(IndexCommitReader));
        }
        while (Interlocked.CompareExchange(ref _references, now + 1, now) != now);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Free();
        }
    }

    protected abstract void Free();
}

/// <summary>A part of an index file, mapped for reading.</summary>
internal sealed unsafe class FileRegion : MappedMemory
{
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _pointer;

    /// <summary>
    /// Maps bytes <paramref name="start"/> to <paramref name="end"/>; the handle may be closed afterwards.
    /// </summary>
    public FileRegion(SafeFileHandle handle, long start, long end)
    {
        Length = end - start;
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: true);
        _view = file.CreateViewAccessor(start, Length, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _pointer = pointer + _view.PointerOffset;
    }

    public override byte* Pointer => _pointer;

    public override long Length { get; }

    protected override void Free()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}

/// <summary>A native allocation, aligned like the sections of a file.</summary>
internal sealed unsafe class NativeRegion : MappedMemory
{
    private readonly byte* _pointer;
    private int _freed;

    public NativeRegion(long length)
    {
        Length = length;
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), IndexFormat.Alignment);
        GC.AddMemoryPressure(Math.Max(length, 1));
    }

    ~NativeRegion() => Free();

    public override byte* Pointer => _pointer;

    public override long Length { get; }

    protected override void Free()
    {
        if (Interlocked.Exchange(ref _freed, 1) == 0)
        {
            NativeMemory.AlignedFree(_pointer);
            GC.RemoveMemoryPressure(Math.Max(Length, 1));
            GC.SuppressFinalize(this);
        }
    }
}
