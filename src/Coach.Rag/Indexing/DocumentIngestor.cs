using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Coach.Rag.Documents;
using Coach.Rag.Segments;

namespace Coach.Rag.Indexing;

/// <summary>
/// Takes documents into an index writer: unchanged ones cost nothing, those that cannot be taken are reported.
/// </summary>
/// <param name="options">How documents are cut, and how large they may be.</param>
/// <param name="maxRemembered">
/// How many documents are known by their version beside the index, of each kind. Those past it are read again at each
/// sync, which costs time and changes nothing; evicting others would do the same to them.
/// </param>
/// <param name="time">The clock.</param>
/// <param name="readers">What reads files.</param>
/// <param name="counter">What counts tokens; null for an estimate.</param>
internal sealed class DocumentIngestor(
    CoachRagOptions options, TimeProvider time, DocumentReaders readers,
    int maxRemembered = DocumentIngestor.MaxRemembered, ITokenCounter? counter = null)
{
    // Another number after a change of what readers and the chunker make: documents are read and cut again.
    private const int ReadingVersion = 4;

    /// <summary>How many documents are remembered, of each kind, unless set otherwise: some 10 MB.</summary>
    internal const int MaxRemembered = 50_000;

    private const int MaxIdLength = 1024;
    private const int MaxShownId = 80;

    // Part of every version: other settings cut other passages out of the same file.
    private readonly string _settings = string.Create(
        CultureInfo.InvariantCulture,
            $";{ReadingVersion}:{options.ChunkTokens}:{options.ChunkOverlapTokens}:{readers.Identity}")
        + (counter is null ? "" : ":" + counter.Name);

    private readonly Chunker _chunker = new(options.ChunkTokens, options.ChunkOverlapTokens, counter);

    // Versions under which an unchanged document was met since: it need not be read to be known again.
    private readonly ExpiringCache<(string Collection, string Id), string> _unchanged =
        new(maxRemembered, time) { WhenFull = WhenFull.Refuse };

    // What cannot be taken as it is need not be read again until its version is another.
    private readonly ExpiringCache<(string Collection, string Id), (string Version, IngestFailure Failure)> _refused =
        new(maxRemembered, time) { WhenFull = WhenFull.Refuse };

    // What had to be guessed, told again with each reading of the sources.
    private readonly ExpiringCache<(string Collection, string Id), string> _guesses =
        new(maxRemembered, time) { WhenFull = WhenFull.Refuse };

    // What of an archive could not be taken.
    private readonly ExpiringCache<(string Collection, string Id), IReadOnlyList<IngestFailure>> _left =
        new(maxRemembered, time) { WhenFull = WhenFull.Refuse };

    /// <summary>How many documents are remembered.</summary>
    internal int Remembered => _unchanged.Count + _refused.Count;

    /// <summary>Takes a document that a source lists; it is read only when its version is new.</summary>
    public async ValueTask TakeAsync(
        string collection, SourceItem item, IndexWriter writer, IngestReportBuilder report,
        CancellationToken cancellationToken)
    {
        string version = string.IsNullOrEmpty(item.Version) ? "" : item.Version + _settings;
        if (version.Length > 0 && !item.IsRecheck && IsKnown(collection, item.Id, version, writer, report))
        {
            TellGuess(collection, item.Id, report);
            TellFiles(collection, item.Id, writer, report);
            report.CountSeen();
            return;
        }

        _refused.Remove((collection, item.Id));
        try
        {
            KnowledgeDocument document = await item.ReadAsync(cancellationToken).ConfigureAwait(false);
            await TakeAsync(collection, document with { Id = item.Id }, version, writer, report, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (IsOfDocument(e, cancellationToken))
        {
            IngestFailure failure = FailureOf(item.Id, e);
            if (e is InvalidDataException || failure.Refusal
                is not (DocumentRefusal.Unreadable or DocumentRefusal.Forbidden or DocumentRefusal.IndexFull))
            {
                _refused.Set((collection, item.Id), (version, failure));
            }

            report.Add(failure);
            report.CountSeen();
        }

        if (writer.IsFull)
        {
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Takes a document that was handed over; what is wrong with it is reported, and costs the others nothing.
    /// </summary>
    public async ValueTask TryTakeAsync(
        string collection, KnowledgeDocument? document, IndexWriter writer, IngestReportBuilder report,
        CancellationToken cancellationToken)
    {
        string id = document?.Id ?? "";
        try
        {
            if (document?.Text is null)
            {
                report.CountSeen();
                report.AddFailure(id, document is null ? "The document is null." : "The document's text is null.");
                return;
            }

            await TakeAsync(collection, document with { Id = id }, "", writer, report, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException && IsOfDocument(e, cancellationToken))
        {
            report.Add(FailureOf(id, e));
        }
    }

    /// <summary>Forgets a document that its source does not list any more.</summary>
    public void Forget(string collection, string id)
    {
        _unchanged.Remove((collection, id));
        _refused.Remove((collection, id));
        _guesses.Remove((collection, id));
        _left.Remove((collection, id));
    }

    /// <summary>Removes the documents of an archive; of other documents there are none.</summary>
    /// <param name="collection">Its collection.</param>
    /// <param name="id">Its id.</param>
    /// <param name="kept">The ids of those that stay.</param>
    /// <param name="writer">The index.</param>
    /// <returns>How many were removed.</returns>
    public int RemoveFiles(string collection, string id, IReadOnlySet<string> kept, IndexWriter writer)
    {
        string start = id + "/";
        int removed = 0;
        foreach ((_, string file) in writer.DocumentsOf(each => each == collection))
        {
            bool isGone = file.StartsWith(start, StringComparison.Ordinal) && !kept.Contains(file)
                && ArchiveOf(collection, file, writer) == id && writer.Remove(collection, file);
            if (isGone)
            {
                Forget(collection, file);
                removed++;
            }
        }

        return removed;
    }

    /// <summary>The archive that a document lies in; null for none.</summary>
    public static string? ArchiveOf(string collection, string id, IndexWriter writer) =>
        writer.Find(collection, id)?.Metadata.GetValueOrDefault(MetadataFilter.ArchiveKey);

    /// <summary>Whether the index holds a document that is an archive.</summary>
    public static bool IsArchive(string collection, string id, IndexWriter writer) =>
        writer.Find(collection, id)?.Metadata.ContainsKey(MetadataFilter.FilesKey) == true;

    /// <summary>
    /// Why a document or a source could not be read. Messages of the file system may hold full paths; these do not.
    /// </summary>
    public static string Reason(Exception e) => e switch
    {
        InvalidDataException => e.Message,
        FileNotFoundException or DirectoryNotFoundException => "does not exist any more",
        UnauthorizedAccessException => "may not be read",
        _ => $"could not be read ({e.GetType().Name})",
    };

    // A cancellation and a failure of the index end the work; all else is the one document's.
    private static bool IsOfDocument(Exception e, CancellationToken cancellationToken) => e switch
    {
        RagException known => known.Error == RagError.DocumentRefused,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => true,
    };

    private static IngestFailure FailureOf(string id, Exception e) => e is RagException { Refusal: { } refusal }
        ? new IngestFailure(id, e.Message) { Refusal = refusal }
        : new IngestFailure(id, $"The document {Reason(e)}.")
        {
            Refusal = e is UnauthorizedAccessException ? DocumentRefusal.Forbidden : DocumentRefusal.Unreadable,
        };

    private void TellGuess(string collection, string id, IngestReportBuilder report)
    {
        if (_guesses.TryGet((collection, id), out string? note))
        {
            report.AddGuess(id, note);
        }
    }

    // The documents of an archive that is unchanged.
    private void TellFiles(string collection, string id, IndexWriter writer, IngestReportBuilder report)
    {
        string? files = writer.Find(collection, id)?.Metadata.GetValueOrDefault(MetadataFilter.FilesKey);
        if (files is null)
        {
            return;
        }

        report.Unchanged += int.TryParse(files, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count
            : 0;
        foreach (IngestFailure failure in _left.TryGet((collection, id), out var left) ? left : [])
        {
            report.Add(failure);
        }
    }

    private bool IsKnown(
        string collection, string id, string version, IndexWriter writer, IngestReportBuilder report)
    {
        DocumentEntry? existing = writer.Find(collection, id);
        if (existing is not null && (existing.Version == version || IsUnchanged()))
        {
            report.Unchanged++;
            return true;
        }

        if (_refused.TryGet((collection, id), out (string Version, IngestFailure Failure) refused)
            && refused.Version == version)
        {
            report.Add(refused.Failure);
            return true;
        }

        return false;

        bool IsUnchanged() => _unchanged.TryGet((collection, id), out string? seen) && seen == version;
    }

    private async ValueTask TakeAsync(
        string collection, KnowledgeDocument document, string version, IndexWriter writer, IngestReportBuilder report,
        CancellationToken cancellationToken)
    {
        report.CountSeen();
        if (string.IsNullOrWhiteSpace(document.Id) || document.Id.Length > MaxIdLength)
        {
            string shown = document.Id.Length > MaxShownId ? document.Id[..MaxShownId] : document.Id;
            report.AddFailure(shown, $"The document's id is blank or longer than {MaxIdLength} characters.");
            return;
        }

        if (document.Text.Length > options.MaxDocumentBytes)
        {
            report.AddFailure(
                document.Id,
                $"The document has {document.Text.Length} characters, more than MaxDocumentBytes = {options.MaxDocumentBytes}.",
                DocumentRefusal.TooLarge);
            return;
        }

        UInt128 hash = HashOf(document);
        DocumentEntry? existing = writer.Find(collection, document.Id);
        if (existing is not null && existing.Hash == hash)
        {
            TellGuess(collection, document.Id, report);
            TellFiles(collection, document.Id, writer, report);
            if (version.Length > 0)
            {
                _unchanged.Set((collection, document.Id), version);
            }

            report.Unchanged++;
            return;
        }

        if (document.File is { } packed && readers.Find(packed) is IArchiveReader archive)
        {
            await TakeFilesAsync(
                collection, document, packed, archive, version, hash, writer, report, cancellationToken)
                .ConfigureAwait(false);
            return;
        }

        if (existing is not null && existing.Metadata.ContainsKey(MetadataFilter.FilesKey))
        {
            report.Removed += RemoveFiles(collection, document.Id, FrozenSet<string>.Empty, writer);
        }

        StructuredText structure = await ReadAsync(document, cancellationToken).ConfigureAwait(false);
        _guesses.Remove((collection, document.Id));
        foreach (string note in structure.Notes)
        {
            _guesses.Set((collection, document.Id), note);
            report.AddGuess(document.Id, note);
        }

        structure = document.Title.Length > 0 ? structure with { Title = document.Title } : structure;
        List<Chunk> chunks = document.IsOnePassage
            ? [new Chunk(0, structure.Text.Length, "")]
            : _chunker.Split(structure);
        if (writer.PassagesWith(collection, document.Id, chunks.Count) > options.MaxPassages)
        {
            report.AddFailure(document.Id, $"The index is full: MaxPassages = {options.MaxPassages}.",
                DocumentRefusal.IndexFull);
            return;
        }

        if (WhyOver(collection, document.Id, structure, chunks, writer) is { } over)
        {
            report.AddFailure(document.Id, over, DocumentRefusal.IndexFull);
            return;
        }

        var entry = new DocumentEntry(collection, document.Id, hash)
        {
            Source = document.Source,
            Version = version,
            Title = structure.Title,
            Metadata = Merge(document.Metadata, structure.Metadata),
        };
        writer.Put(entry, structure, chunks);
        _unchanged.Remove((collection, document.Id));       // its new version is in the index
        report.Passages += chunks.Count;
        if (existing is null)
        {
            report.Added++;
        }
        else
        {
            report.Updated++;
        }
    }

    // Everything is unpacked before the first of it is taken, so that an archive that is refused changes nothing.
    private async ValueTask TakeFilesAsync(
        string collection, KnowledgeDocument document, DocumentFile packed, IArchiveReader archive, string version,
        UInt128 hash, IndexWriter writer, IngestReportBuilder report, CancellationToken cancellationToken)
    {
        ArchiveContent content = await readers.ReadFilesAsync(packed, archive, cancellationToken).ConfigureAwait(false);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        List<IngestFailure> left =
            [.. content.Left.Select(failure => failure with { Id = document.Id + "/" + failure.Id })];
        report.ExpectMore(content.Files.Count);
        var metadata = new Dictionary<string, string>(document.Metadata, StringComparer.Ordinal)
        {
            [MetadataFilter.ArchiveKey] = document.Id,
        };
        foreach (DocumentFile file in content.Files)
        {
            string id = document.Id + "/" + file.Name;
            kept.Add(id);
            try
            {
                var inner = new KnowledgeDocument(id, "")
                {
                    File = file,
                    Source = document.Source + "/" + file.Name,
                    Metadata = metadata,
                };
                await TakeAsync(collection, inner, "", writer, report, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsOfDocument(e, cancellationToken))
            {
                left.Add(FailureOf(id, e));
            }

            if (writer.IsFull)
            {
                await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        int taken = kept.Count(id => writer.Find(collection, id) is not null);
        if (taken == 0)
        {
            throw RagException.DocumentRefused(DocumentRefusal.NoReader,
                $"is an archive in which none of {left.Count} file(s) can be read");
        }

        left.ForEach(report.Add);
        _left.Set((collection, document.Id), left);
        bool isNew = writer.Find(collection, document.Id) is null;
        report.Removed += isNew ? 0 : RemoveFiles(collection, document.Id, kept, writer);
        var entry = new DocumentEntry(collection, document.Id, hash)
        {
            Source = document.Source,
            Version = version,
            Title = document.Title,
            Metadata = new Dictionary<string, string>(document.Metadata, StringComparer.Ordinal)
            {
                [MetadataFilter.FilesKey] = taken.ToString(CultureInfo.InvariantCulture),
            },
        };
        writer.Put(entry, new StructuredText("", "", []), []);
        _unchanged.Remove((collection, document.Id));
        report.Added += isNew ? 1 : 0;
        report.Updated += isNew ? 0 : 1;
    }

    // Counting what is there costs time, and only scopes have such limits.
    private string? WhyOver(
        string collection, string id, StructuredText text, List<Chunk> chunks, IndexWriter writer)
    {
        (long mostDocuments, long mostBytes) = options.Most;
        if ((mostDocuments, mostBytes) == (long.MaxValue, long.MaxValue))
        {
            return null;
        }

        (long documents, long bytes) = writer.SizeWith(collection, id, IndexWriter.BytesIn(text, chunks));
        if (documents > mostDocuments)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"There are too many documents: MaxDocuments = {mostDocuments}.");
        }

        return bytes > mostBytes
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The documents would have {bytes} bytes together, more than MaxBytes = {mostBytes}.")
            : null;
    }

    private async ValueTask<StructuredText> ReadAsync(KnowledgeDocument document, CancellationToken cancellationToken)
    {
        if (document.File is not { } file)
        {
            return DocumentReader.Read(document);
        }

        IDocumentReader reader = readers.Find(file)
            ?? throw RagException.DocumentRefused(
                DocumentRefusal.NoReader, $"has no reader ({FolderSource.KindOf(file.FileName)})");
        return await readers.ReadAsync(file, reader, cancellationToken).ConfigureAwait(false);
    }

    // What the caller says of a document counts for more than what it says of itself.
    private static IReadOnlyDictionary<string, string> Merge(
        IReadOnlyDictionary<string, string> given, IReadOnlyDictionary<string, string> found)
    {
        if (found.Count == 0)
        {
            return given;
        }

        // What begins with an at sign is the index's own.
        var all = new Dictionary<string, string>(
            found.Where(pair => !pair.Key.StartsWith('@')), StringComparer.Ordinal);
        foreach ((string key, string value) in given)
        {
            all[key] = value;
        }

        return all;
    }

    // Everything that the index makes of a document goes in, so that other settings make another hash.
    private UInt128 HashOf(KnowledgeDocument document)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> settings = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(settings, options.ChunkTokens);
        BinaryPrimitives.WriteInt32LittleEndian(settings[4..], options.ChunkOverlapTokens);
        BinaryPrimitives.WriteInt32LittleEndian(settings[8..], (int)document.Format);
        BinaryPrimitives.WriteInt32LittleEndian(settings[12..], document.IsOnePassage ? 1 : 0);
        hash.AppendData(settings);
        Append(hash, _settings);
        if (document.File is { } file)
        {
            Append(hash, file.Name);
            hash.AppendData(file.Hash);
        }

        Append(hash, document.Text);
        Append(hash, document.Title);
        Append(hash, document.Source);
        foreach ((string key, string value) in document.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Append(hash, key);
            Append(hash, value);
        }

        return BinaryPrimitives.ReadUInt128LittleEndian(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string text)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        hash.AppendData(length);
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
