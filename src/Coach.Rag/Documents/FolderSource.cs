using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Coach.Rag.Documents;

/// <summary>The text, Markdown and HTML files of a folder and the folders below it.</summary>
internal sealed class FolderSource(string folder, long maxBytes, Func<string, string[]>? filesIn = null)
    : KnowledgeSource
{
    private static readonly FrozenDictionary<string, DocumentFormat> Formats = new Dictionary<string, DocumentFormat>(
        StringComparer.OrdinalIgnoreCase)
    {
        [".md"] = DocumentFormat.Markdown,
        [".markdown"] = DocumentFormat.Markdown,
        [".txt"] = DocumentFormat.PlainText,
        [".text"] = DocumentFormat.PlainText,
        [".rst"] = DocumentFormat.PlainText,
        [".html"] = DocumentFormat.Html,
        [".htm"] = DocumentFormat.Html,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Skipped = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "bin", "obj", "node_modules");

    private static readonly EnumerationOptions Enumeration = new()
    {
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint,
    };

    /// <summary>What the names of folders start with.</summary>
    public const string NamePrefix = "folder:";

    private readonly Func<string, string[]> _filesIn = filesIn
        ?? (static directory => Directory.GetFiles(directory, "*", Enumeration));

    // Folders that could not be listed the last time; their documents are not gone.
    private readonly List<string> _unlisted = [];

    public string Folder { get; } = Path.GetFullPath(folder);

    public override string Name => NamePrefix + Folder;

    public override async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        if (!Directory.Exists(Folder))
        {
            throw new DirectoryNotFoundException("The knowledge folder does not exist.");
        }

        _unlisted.Clear();
        var pending = new Stack<string>([Folder]);
        while (pending.TryPop(out string? directory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string[] files, directories;
            try
            {
                files = _filesIn(directory);
                directories = Directory.GetDirectories(directory, "*", Enumeration);
            }
            catch (DirectoryNotFoundException) when (directory != Folder)
            {
                continue;       // vanished while being listed
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && directory != Folder)
            {
                _unlisted.Add(RelativeOf(directory) + "/");
                continue;
            }

            Array.Sort(files, StringComparer.Ordinal);
            foreach (string path in files)
            {
                if (Formats.TryGetValue(Path.GetExtension(path), out DocumentFormat format))
                {
                    yield return Item(path, format);
                }
            }

            Array.Sort(directories, (x, y) => string.CompareOrdinal(y, x));
            foreach (string child in directories)
            {
                string name = Path.GetFileName(child);
                if (!Skipped.Contains(name) && !name.StartsWith('.'))
                {
                    pending.Push(child);
                }
            }
        }
    }

    /// <summary>Whether a document lies in a folder that could not be listed the last time.</summary>
    public bool IsUnlisted(string id) => _unlisted.Exists(folder => id.StartsWith(folder, StringComparison.Ordinal));

    private string RelativeOf(string path) => Path.GetRelativePath(Folder, path).Replace('\\', '/');

    private SourceItem Item(string path, DocumentFormat format)
    {
        string relative = RelativeOf(path);
        var info = new FileInfo(path);
        (long length, long written) = info.Exists ? (info.Length, info.LastWriteTimeUtc.Ticks) : (-1, 0);
        return new SourceItem(relative, cancellationToken => ReadAsync(path, relative, format, cancellationToken))
        {
            Version = string.Create(CultureInfo.InvariantCulture, $"{length}:{written}"),
        };
    }

    private async ValueTask<KnowledgeDocument> ReadAsync(
        string path, string relative, DocumentFormat format, CancellationToken cancellationToken)
    {
        var info = new FileInfo(path);
        if (info.Length > maxBytes)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"has {info.Length} bytes, more than MaxDocumentBytes = {maxBytes}"));
        }

        byte[] bytes = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        return new KnowledgeDocument(relative, TextDecoder.Decode(bytes)) { Format = format };
    }
}

/// <summary>Reads bytes as text by their byte order mark, else as UTF-8; refuses what is no text.</summary>
internal static class TextDecoder
{
    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        switch (bytes)
        {
            case [0xFF, 0xFE, ..]:
                return Encoding.Unicode.GetString(bytes[2..]);
            case [0xFE, 0xFF, ..]:
                return Encoding.BigEndianUnicode.GetString(bytes[2..]);
            case [0xEF, 0xBB, 0xBF, ..]:
                bytes = bytes[3..];
                break;
        }

        if (bytes.Contains((byte)0))
        {
            throw new InvalidDataException("is binary, not text");
        }

        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            int controls = 0;
            foreach (byte b in bytes)
            {
                controls += b < 32 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f') ? 1 : 0;
            }

            // Old single-byte text has accented letters but hardly any control codes.
            return controls * 100 <= bytes.Length ? Encoding.Latin1.GetString(bytes)
                : throw new InvalidDataException("is neither UTF-8 nor any other text");
        }
    }
}
