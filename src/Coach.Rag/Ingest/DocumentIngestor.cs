using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Coach.Rag;

/// <summary>Takes documents into a batch: unchanged ones cost nothing, those that cannot be taken are reported.</summary>
internal sealed class DocumentIngestor(CoachRagOptions options)
{
    private const int MaxIdLength = 1024;
    private const int MaxRefused = 10_000;
    // Part of every version: other settings cut other passages out of the same file.
    private readonly string _settings = string.Create(CultureInfo.InvariantCulture, $";{options.ChunkTokens}:{options.ChunkOverlapTokens}");
    private readonly Chunker _chunker = new(options.ChunkTokens, options.ChunkOverlapTokens);

    // Versions under which an unchanged document was met since: it need not be read to be known again.
    private readonly Dictionary<(string Collection, string Id), string> _seenVersions = [];

    // What cannot be taken as it is need not be read again until its version is another.
    private readonly Dictionary<(string Collection, string Id), (string Version, string Reason)> _refused = [];

    /// <summary>Takes a document that a source lists; it is read only when its version is new.</summary>
    public async ValueTask TakeAsync(string collection, SourceItem item, IndexWriter batch, IngestReportBuilder tally, CancellationToken cancellationToken)
    {
        string version = string.IsNullOrEmpty(item.Version) ? "" : item.Version + _settings;
        DocumentEntry? existing = version.Length == 0 ? null : batch.Find(collection, item.Id);
        bool sameVersion = existing is not null
            && (existing.Version == version || (_seenVersions.TryGetValue((collection, item.Id), out string? seen) && seen == version));
        if (sameVersion)
        {
            tally.Unchanged++;
            tally.Saw();
            return;
        }

        if (version.Length > 0 && _refused.TryGetValue((collection, item.Id), out (string Version, string Reason) refused) && refused.Version == version)
        {
            tally.Fail(item.Id, refused.Reason);
            tally.Saw();
            return;
        }

        _refused.Remove((collection, item.Id));
        try
        {
            KnowledgeDocument document = await item.ReadAsync(cancellationToken).ConfigureAwait(false);
            Take(collection, document with { Id = item.Id }, version, batch, tally);
        }
        catch (Exception e) when (e is not RagException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            string reason = $"The document {Reason(e)}.";
            if (e is InvalidDataException && _refused.Count < MaxRefused)
            {
                _refused[(collection, item.Id)] = (version, reason);
            }

            tally.Fail(item.Id, reason);
            tally.Saw();
        }

        if (batch.IsFull)
        {
            await batch.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes a document that was handed over; what is wrong with it is told, and costs the others nothing.</summary>
    public void TryTake(string collection, KnowledgeDocument? document, IndexWriter batch, IngestReportBuilder tally)
    {
        string id = document?.Id ?? "";
        try
        {
            if (document?.Text is null)
            {
                tally.Saw();
                tally.Fail(id, document is null ? "The document is null." : "The document's text is null.");
                return;
            }

            Take(collection, document with { Id = id }, "", batch, tally);
        }
        catch (Exception e) when (e is not (RagException or OperationCanceledException))
        {
            tally.Fail(id, $"The document {Reason(e)}.");
        }
    }

    private void Take(string collection, KnowledgeDocument document, string version, IndexWriter batch, IngestReportBuilder tally)
    {
        tally.Saw();
        if (string.IsNullOrWhiteSpace(document.Id) || document.Id.Length > MaxIdLength)
        {
            tally.Fail(document.Id.Length > 80 ? document.Id[..80] : document.Id, $"The document's id is blank or longer than {MaxIdLength} characters.");
            return;
        }

        if (document.Text.Length > options.MaxDocumentBytes)
        {
            tally.Fail(document.Id, $"The document has {document.Text.Length} characters, more than MaxDocumentBytes = {options.MaxDocumentBytes}.");
            return;
        }

        UInt128 hash = HashOf(document);
        DocumentEntry? existing = batch.Find(collection, document.Id);
        if (existing is not null && existing.Hash == hash)
        {
            _seenVersions[(collection, document.Id)] = version;
            tally.Unchanged++;
            return;
        }

        StructuredText structure = DocumentReader.Read(document);
        List<Chunk> chunks = document.IsOnePassage ? [new Chunk(0, structure.Text.Length, "")] : _chunker.Split(structure);
        if (batch.PassagesWith(collection, document.Id, chunks.Count) > options.MaxPassages)
        {
            tally.Fail(document.Id, $"The index is full: MaxPassages = {options.MaxPassages}.");
            return;
        }

        batch.Put(new DocumentEntry(document.Id, collection, document.Source, version,
            document.Title.Length > 0 ? document.Title : structure.Title, hash, document.Metadata), structure, chunks);
        tally.Passages += chunks.Count;
        if (existing is null)
        {
            tally.Added++;
        }
        else
        {
            tally.Updated++;
        }
    }

    // Messages of the file system may hold full paths; ours say what is wrong.
    public static string Reason(Exception e) => e switch
    {
        InvalidDataException => e.Message,
        FileNotFoundException or DirectoryNotFoundException => "does not exist any more",
        UnauthorizedAccessException => "may not be read",
        _ => $"could not be read ({e.GetType().Name})",
    };

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
        hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
