using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace Coach.Rag;

/// <summary>A part of an index file, mapped for reading.</summary>
internal sealed unsafe class FileRegion : MappedRegion
{
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _pointer;

    /// <summary>Maps bytes <paramref name="start"/> to <paramref name="end"/>; the handle may be closed afterwards.</summary>
    public FileRegion(SafeFileHandle handle, long start, long end)
    {
        Length = end - start;
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
            handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
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
