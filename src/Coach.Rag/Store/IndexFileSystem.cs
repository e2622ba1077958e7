using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Coach.Rag.Store;

/// <summary>What the store changes on disk goes through here, so that tests can stop it at any byte.</summary>
internal abstract class IndexFileSystem
{
    public static IndexFileSystem Disk { get; } = new DiskFileSystem();

    /// <summary>
    /// Opens a file for writing; <paramref name="create"/> empties or makes it, else it must be there.
    /// </summary>
    public abstract IndexWritableFile OpenForWriting(string path, bool create);

    /// <summary>Renames a file over another one, durably.</summary>
    public abstract void Replace(string source, string target);

    public abstract void Delete(string path);

    /// <summary>
    /// Opens a file that no other handle may open meanwhile; the system closes it when the process dies.
    /// </summary>
    /// <exception cref="IOException">Somebody else has it open.</exception>
    public virtual IDisposable OpenExclusively(string path) =>
        File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}

/// <summary>A file being written.</summary>
internal abstract class IndexWritableFile : IDisposable
{
    public abstract long Length { get; }

    public abstract void Write(ReadOnlySpan<byte> bytes, long offset);

    public abstract void SetLength(long length);

    /// <summary>Waits until everything written is on the device.</summary>
    public abstract void Flush();

    public abstract void Dispose();
}

/// <summary>The real one.</summary>
internal sealed partial class DiskFileSystem : IndexFileSystem
{
    public override IndexWritableFile OpenForWriting(string path, bool create)
    {
        SafeFileHandle handle = File.OpenHandle(
            path,
            create ? FileMode.Create : FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        if (create && !OperatingSystem.IsWindows())
        {
            // The documents' text, before any of it is written; a file of an older version gets it with its next copy.
            File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return new DiskFile(handle);
    }

    public override void Replace(string source, string target)
    {
        File.Move(source, target, overwrite: true);
        FlushFolder(Path.GetDirectoryName(Path.GetFullPath(target))!);
    }

    public override void Delete(string path) => File.Delete(path);

    // A rename is durable on Unix only when the folder itself is flushed, for which .NET has no call.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Native.Open(folder, flags: 0);
        if (descriptor >= 0)
        {
            _ = Native.Flush(descriptor);
            _ = Native.Close(descriptor);
        }
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static partial int Open(string path, int flags);

        [LibraryImport("libc", EntryPoint = "fsync")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static partial int Flush(int descriptor);

        [LibraryImport("libc", EntryPoint = "close")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static partial int Close(int descriptor);
    }

    private sealed class DiskFile(SafeFileHandle handle) : IndexWritableFile
    {
        public override long Length => RandomAccess.GetLength(handle);

        public override void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

        public override void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public override void Flush() => RandomAccess.FlushToDisk(handle);

        public override void Dispose() => handle.Dispose();
    }
}
