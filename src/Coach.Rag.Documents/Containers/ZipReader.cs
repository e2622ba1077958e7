namespace Coach.Rag.Documents.Containers;

/// <summary>
/// Unpacks zip files, whose files are documents of their own; or reads them as parts of one document, each under its
/// name. What is unpacked counts against one limit, archives within archives against another.
/// </summary>
internal sealed class ZipReader(InnerReaders inner) : IArchiveReader
{
    private const int ArchiveNesting = 4;

    public string Name => "zip/3";

    public DocumentMatch Match(DocumentFile file)
    {
        if (SafeZip.IsZip(file.Head))
        {
            return DocumentMatch.Content;
        }

        return file.HasExtension(".zip") ? DocumentMatch.Name : DocumentMatch.None;
    }

    public ValueTask<ArchiveContent> ReadFilesAsync(
        DocumentFile file, CancellationToken cancellationToken = default)
    {
        var files = new List<DocumentFile>();
        var left = new List<IngestFailure>();
        Unpack(file, "", new ExpansionBudget(file.Limits.MaxExpandedBytes), files, left, cancellationToken);
        return ValueTask.FromResult(new ArchiveContent(files) { Left = left });
    }

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        CheckDepth(file);
        using SafeZip zip = SafeZip.Open(file);
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        int read = 0;
        int left = 0;
        foreach (string name in zip.Names.Order(StringComparer.Ordinal))
        {
            if (IsHidden(name))
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

    private void Unpack(
        DocumentFile file, string path, ExpansionBudget budget, List<DocumentFile> files, List<IngestFailure> left,
        CancellationToken cancellationToken)
    {
        CheckDepth(file);
        using SafeZip zip = SafeZip.Open(file, budget);
        foreach (string name in zip.Names.Where(name => !IsHidden(name)).Order(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TryRead(zip, name, cancellationToken) is not { } bytes)
            {
                left.Add(new IngestFailure(path + name, "The file is encrypted, damaged or packed in an unknown way.")
                {
                    Refusal = DocumentRefusal.Damaged,
                });
                continue;
            }

            DocumentLimits limits = file.Limits with { MaxExpandedBytes = Math.Max(1, budget.Left) };
            var part = new DocumentFile(path + name, bytes, limits) { Depth = file.Depth + 1 };
            if (bytes.Length == 0)
            {
                left.Add(new IngestFailure(part.Name, "The file is empty.") { Refusal = DocumentRefusal.Empty });
            }
            else if (inner.Find(part) is ZipReader)
            {
                UnpackInner(part);
            }
            else
            {
                files.Add(part);
            }
        }

        // One that is damaged costs itself; one that goes too far is too much for all.
        void UnpackInner(DocumentFile part)
        {
            try
            {
                Unpack(part, part.Name + "/", budget, files, left, cancellationToken);
            }
            catch (RagException e) when (e.Refusal is DocumentRefusal.Damaged or DocumentRefusal.Encrypted)
            {
                left.Add(new IngestFailure(part.Name, e.Message) { Refusal = e.Refusal.Value });
            }
        }
    }

    private static bool IsHidden(string name) =>
        name.Split('/').Any(part => part.StartsWith('.') || part == "__MACOSX");

    private static void CheckDepth(DocumentFile file)
    {
        if ((file.Depth + 1) * ArchiveNesting > file.Limits.MaxNesting || file.Depth >= 16)
        {
            throw RagException.DocumentRefused(
                DocumentRefusal.TooDeep,
                    $"is an archive in archives, deeper than MaxNesting = {file.Limits.MaxNesting} allows");
        }
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
