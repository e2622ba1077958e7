using System.Xml;
using Coach.Rag.Documents.Containers;
using DocumentFormat.OpenXml.Packaging;

namespace Coach.Rag.Documents.Office;

/// <summary>
/// What the Office readers share: knowing a file by what is in it, and looking through it before the library opens it.
/// </summary>
internal static class OfficeFile
{
    private static readonly string[] Folders = ["word/", "ppt/", "xl/"];

    private static ReadOnlySpan<byte> CompoundFile => [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

    public static DocumentMatch Match(DocumentFile file, string folder, ReadOnlySpan<string> extensions,
        ReadOnlySpan<string> oldExtensions)
    {
        bool isOwn = file.HasExtension(extensions);
        if (file.Head.StartsWith(CompoundFile))
        {
            return isOwn || file.HasExtension(oldExtensions) ? DocumentMatch.Content : DocumentMatch.None;
        }

        if (!SafeZip.IsZip(file.Head))
        {
            return isOwn ? DocumentMatch.Name : DocumentMatch.None;
        }

        // By the folders of the package itself: other Office files may lie in it.
        IReadOnlyList<string> found = file.Content.Span.IndexOf("[Content_Types].xml"u8) < 0 ? []
            : SafeZip.FoldersOf(file, Folders);
        bool isOther = found.Count > 0 && !found.Contains(folder);
        return found.Contains(folder) || (isOwn && !isOther) ? DocumentMatch.Content : DocumentMatch.None;
    }

    /// <summary>
    /// Opens a package and reads it; once more without what its text does not need when it does not open as it is.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="extension">What to save an older one as.</param>
    /// <param name="program">The program that writes such files, for the message.</param>
    /// <param name="read">Opens and reads it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="RagException">
    /// It is no package, unpacks to too much, is nested too deep, holds a document type, or is damaged.
    /// </exception>
    public static StructuredText Read(
        DocumentFile file, string extension, string program, Func<Stream, OpenSettings, StructuredText> read,
        CancellationToken cancellationToken)
    {
        HashSet<string> damaged = Check(file, extension, cancellationToken);
        var settings = new OpenSettings { AutoSave = false, MaxCharactersInPart = file.Limits.MaxExpandedBytes };
        try
        {
            return read(OfficeRepair.Run(file, damaged, isBare: false, cancellationToken) ?? file.OpenRead(), settings);
        }
        catch (Exception e) when (e is not (RagException or OperationCanceledException))
        {
            return ReadBare(e);
        }

        StructuredText ReadBare(Exception first)
        {
            try
            {
                return OfficeRepair.Run(file, damaged, isBare: true, cancellationToken) is { } bare
                    ? read(bare, settings)
                    : throw Damaged(program, first);
            }
            catch (Exception e) when (e is not (RagException or OperationCanceledException))
            {
                throw Damaged(program, first);
            }
        }
    }

    // The parts that are damaged and can be done without.
    private static HashSet<string> Check(DocumentFile file, string what, CancellationToken cancellationToken)
    {
        if (file.Head.StartsWith(CompoundFile))
        {
            bool isEncrypted =
                file.Content.Span.IndexOf(System.Text.Encoding.Unicode.GetBytes("EncryptedPackage")) >= 0;
            throw isEncrypted
                ? RagException.DocumentRefused(DocumentRefusal.Encrypted, "is encrypted; save it without a password")
                : RagException.DocumentRefused(DocumentRefusal.NoReader,
                    $"is of the Office format before 2007; save it as {what}");
        }

        var damaged = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        using SafeZip zip = SafeZip.Open(file);
        foreach (string name in zip.Names)
        {
            bool isXml = name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase)
                || name.EndsWith(".rels", StringComparison.OrdinalIgnoreCase);
            bool isWhole = !isXml || zip.Read(name, cancellationToken) is not { } bytes
                || IsWhole(bytes, OfficeRepair.IsExpendable(name), file.Limits, cancellationToken);
            if (!isWhole)
            {
                damaged.Add(name);
            }
        }

        return damaged;
    }

    /// <summary>What a document says of itself; what is damaged of it costs only that.</summary>
    public static void AddProperties(OpenXmlPackage package, StructuredTextBuilder builder)
    {
        try
        {
            builder.Title = package.PackageProperties.Title ?? "";
            builder.AddMetadata("author", package.PackageProperties.Creator);
            builder.AddMetadata("keywords", package.PackageProperties.Keywords);
            builder.AddMetadata("description", package.PackageProperties.Description);
        }
        catch (Exception e) when (e is XmlException or FileFormatException or InvalidOperationException)
        {
            builder.AddNote("has damaged properties (title, author), which were left out");
        }
    }

    private static RagException Damaged(string what, Exception e) =>
        RagException.DocumentRefused(DocumentRefusal.Damaged,
            $"is a damaged {what} file; open it in its program and save it again", e);

    private static bool IsWhole(
        byte[] bytes, bool isExpendable, DocumentLimits limits, CancellationToken cancellationToken)
    {
        try
        {
            using XmlReader reader =
                XmlReader.Create(new MemoryStream(bytes, writable: false), SafeXml.Settings(limits));
            int nodes = 0;
            while (reader.Read())
            {
                if (reader.Depth > limits.MaxNesting)
                {
                    throw SafeXml.TooDeep(limits);
                }

                if ((++nodes & 0xFFFF) == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }

            return true;
        }
        catch (XmlException e)
        {
            if (isExpendable && bytes.AsSpan().IndexOf("<!DOCTYPE"u8) < 0)
            {
                return false;
            }

            throw RagException.DocumentRefused(
                DocumentRefusal.Damaged, "is damaged: a part of it is no well-formed XML, or holds a document type", e);
        }
    }
}
