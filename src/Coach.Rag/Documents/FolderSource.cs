using System.Globalization;
using System.Runtime.CompilerServices;

namespace Coach.Rag.Documents;

/// <summary>
/// The files of a folder and the folders below it: regular files, and links to what lies within the folder. What is not
/// read is counted, with its reason.
/// </summary>
internal sealed class FolderSource : KnowledgeSource
{
    /// <summary>What the names of folders start with.</summary>
    public const string NamePrefix = "folder:";

    // Of each listing so many files are compared by content that all have been when the interval has passed.
    private const int CheckBuckets = 4096;

    private static readonly EnumerationOptions Enumeration = new()
    {
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.None,
        ReturnSpecialDirectories = false,
    };

    private readonly CoachRagOptions _options;
    private readonly DocumentReaders _readers;
    private readonly TimeProvider _time;
    private readonly GlobList _include;
    private readonly GlobList _exclude;
    private readonly Func<DirectoryInfo, IEnumerable<FileSystemInfo>> _list;

    // Folders that could not be listed the last time; their documents are not gone.
    private readonly List<string> _unlisted = [];
    private readonly long _started;
    private double _checked;
    private string _realRoot = "";

    public FolderSource(
        string folder, DocumentReaders readers, CoachRagOptions options, TimeProvider time,
        Func<DirectoryInfo, IEnumerable<FileSystemInfo>>? list = null)
    {
        Folder = Path.GetFullPath(folder);
        _options = options;
        _readers = readers;
        _time = time;
        _include = new GlobList(options.Include);
        _exclude = new GlobList(options.Exclude);
        _list = list ?? (static directory => directory.EnumerateFileSystemInfos("*", Enumeration));
        _started = time.GetTimestamp();
    }

    public string Folder { get; }

    public override string Name => NamePrefix + Folder;

    /// <summary>What was left out when the folder was listed last.</summary>
    public List<IngestFailure> Skipped { get; } = [];

    public override async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        _realRoot = FileKinds.RealPath(Folder) is { } real && Directory.Exists(real)
            ? real
            : throw new DirectoryNotFoundException("The knowledge folder does not exist.");
        _unlisted.Clear();
        Skipped.Clear();
        (int From, int To) recheck = NextBuckets();
        var linked = new HashSet<string>(StringComparer.Ordinal) { _realRoot };
        var pending = new Stack<DirectoryInfo>([new DirectoryInfo(Folder)]);
        while (pending.TryPop(out DirectoryInfo? directory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!TryList(directory, out List<FileSystemInfo> entries))
            {
                continue;
            }

            // A folder's files come before those of the folders in it, each in the order of their names.
            for (int i = 0; i < entries.Count; i++)
            {
                if (entries[i] is FileInfo file && TakeFile(file, recheck) is { } item)
                {
                    yield return item;
                }
            }

            for (int i = entries.Count - 1; i >= 0; i--)
            {
                if (entries[i] is DirectoryInfo child && IsTaken(child, linked))
                {
                    pending.Push(child);
                }
            }
        }
    }

    /// <summary>How many files there are to be read; null where the folder cannot be listed.</summary>
    public async ValueTask<int?> CountAsync(CancellationToken cancellationToken)
    {
        int count = 0;
        try
        {
            await foreach (SourceItem _ in ListAsync(cancellationToken).ConfigureAwait(false))
            {
                count++;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // reading it says why
        }

        return count;
    }

    /// <summary>Whether a document lies in a folder that could not be listed the last time.</summary>
    public bool IsUnlisted(string id) => _unlisted.Exists(folder => id.StartsWith(folder, StringComparison.Ordinal));

    private bool TryList(DirectoryInfo directory, out List<FileSystemInfo> entries)
    {
        entries = [];
        try
        {
            entries.AddRange(_list(directory));
        }
        catch (DirectoryNotFoundException) when (directory.FullName != Folder)
        {
            return false;       // vanished while being listed
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && directory.FullName != Folder)
        {
            string name = RelativeOf(directory.FullName) + "/";
            _unlisted.Add(name);
            Skip(name, DocumentRefusal.Forbidden, "The folder may not be listed; what the index holds of it stays.");
            return false;
        }

        entries.Sort(static (x, y) => string.CompareOrdinal(x.Name, y.Name));
        return true;
    }

    private bool IsTaken(DirectoryInfo directory, HashSet<string> linked)
    {
        string relative = RelativeOf(directory.FullName);
        if (IsHidden(directory, relative + "/") || IsExcluded(relative, isFolder: true))
        {
            return false;
        }

        if (directory.LinkTarget is null)
        {
            return true;
        }

        // A folder that links lead to is read once by way of them, and not at all from within itself.
        return RealWithin(directory.FullName, relative) is { } real
            && ((linked.Add(real) && !IsWithin(RealParent(directory), real))
                || !Skip(relative, DocumentRefusal.LinkLoop,
                    "The link leads to a folder above it, or to one that is read already."));
    }

    private SourceItem? TakeFile(FileInfo file, (int From, int To) recheck)
    {
        string relative = RelativeOf(file.FullName);
        if (IsHidden(file, relative) || IsExcluded(relative, isFolder: false))
        {
            return null;
        }

        if (!_include.IsEmpty && !_include.Matches(relative, isFolder: false))
        {
            Skip(relative, DocumentRefusal.Excluded, "No pattern of Include takes it.");
            return null;
        }

        string path = file.FullName;
        if (file.LinkTarget is not null)
        {
            if (RealWithin(path, relative) is not { } real)
            {
                return null;
            }

            (path, file) = (real, new FileInfo(real));
            if ((file.Attributes & FileAttributes.Directory) != 0)
            {
                return null;
            }
        }

        return TakeRegular(file, path, relative, recheck);
    }

    private SourceItem? TakeRegular(FileInfo file, string path, string relative, (int From, int To) recheck)
    {
        if (!file.Exists)
        {
            if (relative.Contains('\uFFFD', StringComparison.Ordinal))
            {
                Skip(relative, DocumentRefusal.Unreadable, "The file's name is not UTF-8; rename it.");
            }

            return null;
        }

        long length = file.Length;
        if (length == 0)
        {
            // Pipes, sockets and devices have no length; opening one could wait for ever.
            bool isSpecial = FileKinds.IsSpecial(path);
            Skip(
                relative, isSpecial ? DocumentRefusal.NotAFile : DocumentRefusal.Empty,
                isSpecial ? "It is a pipe, a socket or a device, not a file." : "The file is empty.");
            return null;
        }

        int bucket = (int)((uint)StringComparer.Ordinal.GetHashCode(relative) % CheckBuckets);
        return new SourceItem(relative, cancellationToken => ReadAsync(path, relative, cancellationToken))
        {
            // A file that another one was renamed over has its time of birth; where there is none this changes nothing.
            Version = string.Create(
                CultureInfo.InvariantCulture, $"{length}:{file.LastWriteTimeUtc.Ticks}:{file.CreationTimeUtc.Ticks}"),
            IsRecheck = bucket >= recheck.From && bucket < recheck.To,
        };
    }

    private async ValueTask<KnowledgeDocument> ReadAsync(string path, string relative,
        CancellationToken cancellationToken)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        long length = RandomAccess.GetLength(handle);
        var head = new byte[Math.Min(length, DocumentFile.HeadLength)];
        await FillAsync(handle, head, 0, cancellationToken).ConfigureAwait(false);
        if (_readers.Find(new DocumentFile(relative, head)) is null)
        {
            throw RagException.DocumentRefused(DocumentRefusal.NoReader, $"has no reader ({KindOf(relative)})");
        }

        if (length > _options.MaxDocumentBytes)
        {
            throw RagException.DocumentRefused(DocumentRefusal.TooLarge, string.Create(
                CultureInfo.InvariantCulture,
                    $"has {length} bytes, more than MaxDocumentBytes = {_options.MaxDocumentBytes}"));
        }

        byte[] bytes = head;
        if (length > head.Length)
        {
            bytes = new byte[length];
            head.CopyTo(bytes, 0);
            int filled = await FillAsync(handle, bytes.AsMemory(head.Length), head.Length, cancellationToken)
                .ConfigureAwait(false);
            bytes = head.Length + filled < bytes.Length ? bytes[..(head.Length + filled)] : bytes;
        }

        return new KnowledgeDocument(relative, "") { File = new DocumentFile(relative, bytes, _readers.Limits) };
    }

    private static async ValueTask<int> FillAsync(
        Microsoft.Win32.SafeHandles.SafeFileHandle handle, Memory<byte> buffer, long offset,
            CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            int read = await RandomAccess.ReadAsync(handle, buffer[filled..], offset + filled, cancellationToken)
                .ConfigureAwait(false);
            if (read == 0)
            {
                break;      // cut short since it was listed
            }

            filled += read;
        }

        return filled;
    }

    /// <summary>What kind of file a name says it is: its ending.</summary>
    public static string KindOf(string name)
    {
        string extension = Path.GetExtension(name).ToLowerInvariant();
        return extension.Length is > 1 and <= 16 ? extension : "no ending";
    }

    private bool IsHidden(FileSystemInfo entry, string relative)
    {
        bool isHidden = entry.Name.StartsWith('.') || (OperatingSystem.IsWindows()
            && (entry.Attributes & (FileAttributes.Hidden | FileAttributes.System)) != 0);
        return isHidden && Skip(relative, DocumentRefusal.Hidden, "It is hidden.");
    }

    private bool IsExcluded(string relative, bool isFolder) =>
        !_exclude.IsEmpty && _exclude.Matches(relative, isFolder)
            && Skip(isFolder ? relative + "/" : relative, DocumentRefusal.Excluded,
                "A pattern of Exclude leaves it out.");

    private string? RealWithin(string path, string relative)
    {
        string? real = FileKinds.RealPath(path);
        if (real is null)
        {
            Skip(relative, DocumentRefusal.LinkLoop, "The link leads to nothing, or to itself.");
            return null;
        }

        if (!IsWithin(real, _realRoot))
        {
            Skip(relative, DocumentRefusal.LinkOutside, "The link leads out of the folder; it is not followed.");
            return null;
        }

        return real;
    }

    private static string RealParent(DirectoryInfo directory) =>
        FileKinds.RealPath(directory.Parent?.FullName ?? directory.FullName) ?? directory.FullName;

    private static bool IsWithin(string path, string folder) =>
        path == folder || (path.StartsWith(folder, StringComparison.Ordinal)
            && (folder.EndsWith(Path.DirectorySeparatorChar) || path[folder.Length] == Path.DirectorySeparatorChar));

    private bool Skip(string id, DocumentRefusal refusal, string reason)
    {
        Skipped.Add(new IngestFailure(id, reason) { Refusal = refusal });
        return true;
    }

    private string RelativeOf(string path) => Path.GetRelativePath(Folder, path).Replace('\\', '/');

    private (int From, int To) NextBuckets()
    {
        if (_options.ContentCheckInterval == TimeSpan.Zero)
        {
            return (0, 0);
        }

        double now = _time.GetElapsedTime(_started) / _options.ContentCheckInterval;
        double before = _checked;
        _checked = now;
        if (now - before >= 1)
        {
            return (0, CheckBuckets);
        }

        int from = (int)(before % 1 * CheckBuckets);
        if ((long)now > (long)before)
        {
            _checked = (long)now;       // the start of the next round waits for the next listing
            return (from, CheckBuckets);
        }

        return (from, (int)(now % 1 * CheckBuckets));
    }
}
