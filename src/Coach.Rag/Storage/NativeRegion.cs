using System.Runtime.InteropServices;

namespace Coach.Rag;

/// <summary>A native allocation, aligned like the sections of a file.</summary>
internal sealed unsafe class NativeRegion : MappedRegion
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
