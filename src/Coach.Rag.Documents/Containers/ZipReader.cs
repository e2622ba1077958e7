namespace Coach.Rag.Documents.Containers;

/// <summary>
/// Reads the files of a zip file as parts of one document, each under its name. What no reader takes, or is refused, is
/// noted and left out; what is unpacked counts against one limit, archives within archives against another.
/// </summary>
internal sealed class ZipReader(InnerReaders inner) : IDocumentReader
{
    private const int ArchiveNesting = 4;

    public string Name => "zip/2";

    public DocumentMatch Match(DocumentFile file)
    {
        if (SafeZip.IsZip(file.Head))
        {
            return DocumentMatch.Content;
        }

        return file.HasExtension(".zip") ? DocumentMatch.Name : DocumentMatch.None;
    }

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        if ((file.Depth + 1) * ArchiveNesting > file.Limits.MaxNesting || file.Depth >= 16)
        {
            throw RagException.DocumentRefused(
                DocumentRefusal.TooDeep,
                    $"is an archive in archives, deeper than MaxNesting = {file.Limits.MaxNesting} allows");
        }

        using SafeZip zip = SafeZip.Open(file);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        int read = 0;
        int left = 0;
        foreach (string name in zip.Names.Order(StringComparer.Ordinal))
        {
            if (name.Split('/').Any(part => part.StartsWith('.') || part == "__MACOSX"))
            {
                continue;
            }

            if (TryRead(zip, name, cancellationToken) is not { } bytes)
            {
                left++;
                continue;
            }

            DocumentLimits limits = file.Limits with { MaxExpandedBytes = Math.Max(1, zip.Budget.Left) };
            var part = new DocumentFile(name, bytes, limits) { Depth = file.Depth + 1 };
            if (bytes.Length > 0 && await inner.TryAddAsync(part, name, builder, cancellationToken)
                .ConfigureAwait(false))
            {
                read++;
            }
            else
            {
                left++;
            }
        }

        if (read == 0)
        {
            throw RagException.DocumentRefused(DocumentRefusal.NoReader,
                $"is a zip file in which none of {left} file(s) can be read");
        }

        if (left > 0)
        {
            builder.AddNote($"is a zip file of which {left} file(s) were left out");
        }

        builder.Title = "";
        return builder.Build() with { Title = "" };
    }

    // An entry that is damaged, or packed in a way that is not known, costs itself; too much is too much for the file.
    private static byte[]? TryRead(SafeZip zip, string name, CancellationToken cancellationToken)
    {
        try
        {
            return zip.Read(name, cancellationToken);
        }
        catch (InvalidDataException)
        {
            return null;
        }
        catch (RagException e) when (e.Refusal is DocumentRefusal.Encrypted or DocumentRefusal.Damaged)
        {
            return null;
        }
    }
}
