using System.IO.Compression;
using System.Xml;
using System.Xml.Linq;

namespace Coach.Rag.Documents.Containers;

/// <summary>
/// A zip file from anywhere: nothing is written to disk, entries unpack within a budget, names that climb out name
/// nothing.
/// </summary>
internal sealed class SafeZip : IDisposable
{
    private const int MaxEntries = 20_000;

    private readonly ZipArchive _zip;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.OrdinalIgnoreCase);
    private readonly DocumentLimits _limits;

    private SafeZip(ZipArchive zip, DocumentLimits limits, ExpansionBudget budget)
    {
        _zip = zip;
        _limits = limits;
        Budget = budget;
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            if (_entries.Count >= MaxEntries)
            {
                throw RagException.DocumentRefused(DocumentRefusal.TooLarge,
                    $"holds more than {MaxEntries} files; split it");
            }

            HasOddNames |= entry.FullName.Contains('\\', StringComparison.Ordinal);
            if (Normalize(entry.FullName) is { } name && !name.EndsWith('/'))
            {
                _entries.TryAdd(name, entry);
            }
        }
    }

    public ExpansionBudget Budget { get; }

    /// <summary>Whether names have backslashes, as some programs write them.</summary>
    public bool HasOddNames { get; }

    public IEnumerable<string> Names => _entries.Keys;

    public static SafeZip Open(DocumentFile file, ExpansionBudget? budget = null)
    {
        try
        {
            var zip = new ZipArchive(file.OpenRead(), ZipArchiveMode.Read);
            return new SafeZip(zip, file.Limits, budget ?? new ExpansionBudget(file.Limits.MaxExpandedBytes));
        }
        catch (InvalidDataException e)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged, "is a damaged zip file; write it again", e);
        }
    }

    public static bool IsZip(ReadOnlySpan<byte> head) => head.StartsWith("PK\u0003\u0004"u8);

    /// <summary>Which of some folders a zip file has; none when it cannot be opened.</summary>
    public static IReadOnlyList<string> FoldersOf(DocumentFile file, IReadOnlyList<string> folders)
    {
        try
        {
            using var zip = new ZipArchive(file.OpenRead(), ZipArchiveMode.Read);
            string[] names = [.. zip.Entries.Select(entry => entry.FullName.Replace('\\', '/').TrimStart('/'))];
            return [.. folders.Where(folder =>
                Array.Exists(names, name => name.StartsWith(folder, StringComparison.OrdinalIgnoreCase)))];
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }

    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>The bytes of an entry; null when there is none.</summary>
    public byte[]? Read(string name, CancellationToken cancellationToken)
    {
        if (!_entries.TryGetValue(name, out ZipArchiveEntry? entry))
        {
            return null;
        }

        if (entry.IsEncrypted)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Encrypted, "is encrypted; save it without a password");
        }

        using var stream = new LimitedStream(entry.Open(), Budget);
        using var bytes = new MemoryStream();
        var buffer = new byte[81_920];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();
    }

    /// <summary>An entry as XML; null when there is none.</summary>
    public XDocument? ReadXml(string name, CancellationToken cancellationToken) =>
        Read(name, cancellationToken) is { } bytes ? SafeXml.Load(bytes, _limits) : null;

    public void Dispose() => _zip.Dispose();

    // Forward slashes, without "." and ".."; null for a name that would leave the archive.
    private static string? Normalize(string name)
    {
        string path = name.Replace('\\', '/');
        if (path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal)
            || (path.Length > 1 && path[1] == ':'))
        {
            return null;
        }

        return path.Split('/').Contains("..") ? null : path;
    }
}

/// <summary>XML from anywhere: no document types, no entities, nothing fetched, nesting bounded.</summary>
internal static class SafeXml
{
    public static XmlReaderSettings Settings(DocumentLimits limits) => new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = limits.MaxExpandedBytes,
        MaxCharactersFromEntities = 1024,
        IgnoreProcessingInstructions = true,
        IgnoreComments = true,
    };

    public static XDocument Load(byte[] bytes, DocumentLimits limits)
    {
        using (XmlReader reader = XmlReader.Create(new MemoryStream(bytes, writable: false), Settings(limits)))
        {
            while (reader.Read())
            {
                if (reader.Depth > limits.MaxNesting)
                {
                    throw TooDeep(limits);
                }
            }
        }

        using XmlReader again = XmlReader.Create(new MemoryStream(bytes, writable: false), Settings(limits));
        return XDocument.Load(again);
    }

    public static RagException TooDeep(DocumentLimits limits) => RagException.DocumentRefused(
        DocumentRefusal.TooDeep, $"is nested deeper than MaxNesting = {limits.MaxNesting}");
}
