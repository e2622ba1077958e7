using System.Xml;
using Coach.Rag.Documents.Containers;
using DocumentFormat.OpenXml.Packaging;

namespace Coach.Rag.Documents.Office;

/// <summary>
/// What the Office readers share: knowing a file by what is in it, and looking through it before the library opens it.
/// </summary>
internal static class OfficeFile
{
    private static ReadOnlySpan<byte> CompoundFile => [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

    public static DocumentMatch Match(DocumentFile file, string folder, ReadOnlySpan<string> extensions,
        ReadOnlySpan<string> oldExtensions)
    {
        if (file.HasExtension(extensions))
        {
            return SafeZip.IsZip(file.Head) || file.Head.StartsWith(CompoundFile) ? DocumentMatch.Content
                : DocumentMatch.Name;
        }

        if (file.HasExtension(oldExtensions) && file.Head.StartsWith(CompoundFile))
        {
            return DocumentMatch.Content;
        }

        // Under another name: by the names of what is in it, at the start or at the end of the file.
        return SafeZip.IsZip(file.Head) && file.Content.Span.IndexOf("[Content_Types].xml"u8) >= 0
            && file.Content.Span.IndexOf(System.Text.Encoding.ASCII.GetBytes(folder)) >= 0 ? DocumentMatch.Content
                : DocumentMatch.None;
    }

    /// <summary>Refuses what is no package, unpacks to too much, is nested too deep or holds a document type.</summary>
    public static OpenSettings Check(DocumentFile file, string what, CancellationToken cancellationToken)
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

        using SafeZip zip = SafeZip.Open(file);
        foreach (string name in zip.Names)
        {
            bool isXml = name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase)
                || name.EndsWith(".rels", StringComparison.OrdinalIgnoreCase);
            if (isXml && zip.Read(name, cancellationToken) is { } bytes)
            {
                CheckXml(bytes, file.Limits, cancellationToken);
            }
        }

        return new OpenSettings { AutoSave = false, MaxCharactersInPart = file.Limits.MaxExpandedBytes };
    }

    public static RagException Damaged(string what, Exception e) =>
        RagException.DocumentRefused(DocumentRefusal.Damaged,
            $"is a damaged {what} file; open it in its program and save it again", e);

    private static void CheckXml(byte[] bytes, DocumentLimits limits, CancellationToken cancellationToken)
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
        }
        catch (XmlException e)
        {
            throw RagException.DocumentRefused(
                DocumentRefusal.Damaged, "is damaged: a part of it is no well-formed XML, or holds a document type", e);
        }
    }
}
