using System.Runtime.InteropServices;

namespace Coach.Rag.Documents;

/// <summary>What stands behind a name in the file system, found out without opening it.</summary>
internal static partial class FileKinds
{
    private const int MaxLinks = 40;

    // struct statx of Linux, the same on every architecture: stx_mode is the 16-bit number at 28.
    private const int StatxBytes = 256;
    private const int StatxModeOffset = 28;
    private const int AtFdCwd = -100;
    private const uint StatxType = 1;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;

    /// <summary>
    /// Whether a name without content is a pipe, a socket or a device; what cannot be found out is taken for an empty
    /// file. Neither is opened.
    /// </summary>
    public static unsafe bool IsSpecial(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        try
        {
            byte* buffer = stackalloc byte[StatxBytes];
            return Statx(AtFdCwd, path, 0, StatxType, buffer) == 0
                && (*(ushort*)(buffer + StatxModeOffset) & TypeMask) != RegularFile;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;       // a C library older than 2018
        }
    }

    /// <summary>The path without any link in it; null when a link leads nowhere or in a circle.</summary>
    public static string? RealPath(string path)
    {
        string full = Path.GetFullPath(path);
        string root = Path.GetPathRoot(full) ?? "/";
        var pending = new Stack<string>(Parts(full[root.Length..]));
        string real = root;
        int links = 0;
        while (pending.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? root;
                continue;
            }

            string next = Path.Join(real, part);
            string? target = new FileInfo(next).LinkTarget;
            if (target is null)
            {
                if (!Path.Exists(next))
                {
                    return null;
                }

                real = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                return null;
            }

            if (Path.IsPathRooted(target))
            {
                real = Path.GetPathRoot(target) ?? root;
                target = target[real.Length..];
            }

            foreach (string each in Parts(target))
            {
                pending.Push(each);
            }
        }

        return real;
    }

    // The last part first.
    private static IEnumerable<string> Parts(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries)
            .Where(part => part != ".")
            .Reverse();

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
