using Microsoft.Win32.SafeHandles;

namespace Coach.Rag.Store;

/// <summary>What was read from an index file: one commit, and where it ends.</summary>
/// <param name="Header">The file's header.</param>
/// <param name="State">The commit.</param>
/// <param name="Record">Its record, for the commit that follows.</param>
/// <param name="TrailerOffset">Where its trailer is.</param>
/// <param name="Length">The file's length when it was read.</param>
/// <param name="HasDamagedCommits">Whether a newer commit is there, but damaged.</param>
internal sealed record LoadedCommit(
    IndexHeader Header, IndexCommit State, CommitRecord Record, long TrailerOffset, long Length, bool HasDamagedCommits)
{
    public long End => TrailerOffset + IndexFormat.TrailerBytes;
}

/// <summary>Finds and reads commits. It reads through the file handle; only the sections are mapped.</summary>
internal sealed class IndexFileReader(string path, string index)
{
    private const int ScanBytes = 1 << 20;

    /// <summary>Reads the newest commit, unless it is the one already known.</summary>
    /// <param name="known">What was read last; null at first.</param>
    /// <param name="isThorough">Whether to search the tail for a commit that an unfinished one follows.</param>
    /// <returns>Null when there is nothing newer.</returns>
    /// <exception cref="FileNotFoundException">There is no file.</exception>
    /// <exception cref="RagException">The file holds no intact commit.</exception>
    public LoadedCommit? ReadNewest(LoadedCommit? known, bool isThorough) =>
        Keeping(handle => ReadNewest(handle, known, isThorough));

    /// <summary>The commit before another one, in the same file; null when there is none that can be read.</summary>
    public LoadedCommit? ReadPrevious(LoadedCommit commit) => Keeping(handle => ReadPrevious(handle, commit));

    // A commit keeps the handle it was read through.
    private LoadedCommit? Keeping(Func<SafeFileHandle, LoadedCommit?> read)
    {
        SafeFileHandle handle = File.OpenHandle(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        LoadedCommit? loaded = null;
        try
        {
            return loaded = read(handle);
        }
        finally
        {
            if (loaded is null)
            {
                handle.Dispose();
            }
        }
    }

    private LoadedCommit? ReadNewest(SafeFileHandle handle, LoadedCommit? known, bool isThorough)
    {
        // before anything is read: what changes from here on is seen
        DateTime written = File.GetLastWriteTimeUtc(handle);
        long length = RandomAccess.GetLength(handle);
        Span<byte> head = stackalloc byte[IndexFormat.DataStart];
        int count = ReadFully(handle, head, 0);
        IndexHeader header = IndexHeader.Read(head[..count], index);
        if (known is not null && known.Header.FileId != header.FileId)
        {
            known = null;
        }

        bool hasDamage = false;
        long floor = known?.End ?? IndexFormat.DataStart;
        long? hint = count == head.Length ? header.ReadHint(head[IndexFormat.HeaderBytes..]) : null;
        if (known is not null && known.Length == length && !(hint >= floor) && !isThorough)
        {
            return null;
        }

        long tail = (length - IndexFormat.TrailerBytes) & ~(long)(IndexFormat.Alignment - 1);
        if (tail >= floor
            && TryLoad(handle, header, tail, (length, written), known, hasDamage: false, ref hasDamage) is { } atTail)
        {
            return atTail;
        }

        bool isHintUsable = hint >= floor && hint < tail;
        if (!isThorough && known is not null)
        {
            return isHintUsable
                ? TryLoad(handle, header, hint!.Value, (length, written), known, hasDamage: false, ref hasDamage)
                : null;
        }

        LoadedCommit? found = Scan(
            handle, header, floor, tail - IndexFormat.Alignment, (length, written), known, ref hasDamage);
        return found
            ?? (known is not null
            ? null
            : throw RagException.IndexCorrupt(index, "is damaged: it holds no intact commit"));
    }

    private LoadedCommit? ReadPrevious(SafeFileHandle handle, LoadedCommit commit)
    {
        DateTime written = File.GetLastWriteTimeUtc(handle);
        long length = RandomAccess.GetLength(handle);
        Span<byte> bytes = stackalloc byte[IndexFormat.HeaderBytes];
        if (IndexHeader.Read(bytes[..ReadFully(handle, bytes, 0)], index).FileId != commit.Header.FileId)
        {
            return null;
        }

        bool hasDamage = false;
        for (long at = commit.TrailerOffset; ;)
        {
            if (at < IndexFormat.DataStart || ReadFully(handle, bytes, at) != bytes.Length
                || !CommitTrailer.TryRead(bytes, commit.Header.FileId, at, out CommitTrailer trailer)
                || trailer.PreviousTrailer == 0)
            {
                return null;
            }

            at = trailer.PreviousTrailer;
            if (TryLoad(handle, commit.Header, at, (length, written), known: null, hasDamage: true,
                ref hasDamage) is { } previous)
            {
                return previous;
            }
        }
    }

    private LoadedCommit? Scan(
        SafeFileHandle handle, IndexHeader header, long floor, long from, (long Length, DateTime Written) file,
        LoadedCommit? known, ref bool hasDamage)
    {
        if (from < floor)
        {
            return null;
        }

        var buffer = new byte[Math.Min(ScanBytes, from + IndexFormat.TrailerBytes - floor)];
        for (long end = from + IndexFormat.TrailerBytes; end > floor;)
        {
            long start = Math.Max(floor, end - ScanBytes);
            Span<byte> chunk = buffer.AsSpan(0, ReadFully(handle, buffer.AsSpan(0, (int)(end - start)), start));
            int last = (chunk.Length - IndexFormat.TrailerBytes) & ~(IndexFormat.Alignment - 1);
            for (int at = last; at >= 0; at -= IndexFormat.Alignment)
            {
                if (chunk[at..].StartsWith(IndexFormat.TrailerMagic)
                    && TryLoad(handle, header, start + at, file, known, hasDamage, ref hasDamage) is { } found)
                {
                    return found;
                }
            }

            end = start;
        }

        return null;
    }

    private LoadedCommit? TryLoad(
        SafeFileHandle handle, IndexHeader header, long at, (long Length, DateTime Written) file, LoadedCommit? known,
        bool hasDamage, ref bool foundDamage)
    {
        Span<byte> bytes = stackalloc byte[IndexFormat.TrailerBytes];
        if (ReadFully(handle, bytes, at) != bytes.Length
            || !CommitTrailer.TryRead(bytes, header.FileId, at, out CommitTrailer trailer))
        {
            return null;
        }

        // From here on this is a commit that was finished once; whatever does not match is damage.
        foundDamage = true;
        if (ReadRange(
            handle, new FileRange(trailer.RecordOffset, trailer.RecordLength, trailer.RecordCrc)) is not { } recordBytes
            || CommitRecord.TryRead(recordBytes, trailer.RecordOffset) is not { } record
            || ReadState(handle, trailer, record, known, at + IndexFormat.TrailerBytes, file) is not { } state)
        {
            return null;
        }

        foundDamage = false;
        return new LoadedCommit(header, state, record, at, file.Length, hasDamage);
    }

    private IndexCommit? ReadState(
        SafeFileHandle handle, CommitTrailer trailer, CommitRecord record, LoadedCommit? known, long end,
        (long Length, DateTime Written) file)
    {
        if (ReadRange(handle, record.Manifest) is not { } manifest)
        {
            return null;
        }

        var before = new Dictionary<long, (SegmentEntry Entry, IndexSegment Segment)>();
        for (int i = 0; known is not null && i < known.Record.Segments.Count; i++)
        {
            before.Add(known.Record.Segments[i].Id, (known.Record.Segments[i], known.State.Segments[i]));
        }

        // First everything that can fail, then the map of what is new.
        var plans = new List<(SegmentEntry Entry, SectionEntry[]? Sections, byte[]? DeletedRows)>(
            record.Segments.Count);
        long start = long.MaxValue;
        foreach (SegmentEntry entry in record.Segments)
        {
            bool isKnown = before.TryGetValue(entry.Id, out var old) && old.Entry.Directory == entry.Directory;
            SectionEntry[]? sections = null;
            if (!isKnown)
            {
                sections = ReadRange(handle, entry.Directory) is { } directory
                    ? SegmentDirectory.TryRead(directory, entry.Id, entry.Directory.Offset)
                    : null;
                if (sections is null)
                {
                    return null;
                }

                start = sections.Aggregate(start, (least, section) => Math.Min(least, section.Offset));
            }

            byte[]? deleted = null;
            if (!isKnown || old.Entry.DeletedRows != entry.DeletedRows)
            {
                deleted = ReadRange(handle, entry.DeletedRows);
                if (deleted is null)
                {
                    return null;
                }
            }

            plans.Add((entry, sections, deleted));
        }

        MappedMemory? region = start < trailer.RecordOffset
            ? new FileRegion(handle, start, trailer.RecordOffset)
            : null;
        try
        {
            var segments = new List<IndexSegment>(plans.Count);
            foreach ((SegmentEntry entry, SectionEntry[]? sections, byte[]? deleted) in plans)
            {
                IndexSegment? old = sections is null ? before[entry.Id].Segment : null;
                SegmentData data = old?.Data ?? Map(entry, sections!);
                segments.Add(
                    old is not null && deleted is null ? old : new IndexSegment(data, new FixedBitSet(deleted)));
            }

            var detector = new FileChangeDetector(handle, end, file.Length, file.Written);
            return new IndexCommit(trailer.CommitId, record.NextSegmentId, manifest, segments, detector);
        }
        finally
        {
            region?.Release();
        }

        SegmentData Map(SegmentEntry entry, SectionEntry[] sections)
        {
            IndexSection[] mapped =
            [
                .. sections.Select(section =>
                    new IndexSection(
                        region!, index, section with { Offset = section.Offset - start }, isChecked: true)),
            ];
            return new SegmentData(entry.Id, region ?? new NativeRegion(0), entry.Bytes, mapped);
        }
    }

    /// <summary>Null when the checksum does not match.</summary>
    private static byte[]? ReadRange(SafeFileHandle handle, FileRange range)
    {
        if (range.Length == 0)
        {
            return [];
        }

        var bytes = new byte[range.Length];
        return ReadFully(handle, bytes, range.Offset) == bytes.Length && Crc32C.Compute(bytes) == range.Crc
            ? bytes
            : null;
    }

    private static int ReadFully(SafeFileHandle handle, Span<byte> target, long offset)
    {
        int done = 0;
        while (done < target.Length)
        {
            int count = RandomAccess.Read(handle, target[done..], offset + done);
            if (count == 0)
            {
                break;
            }

            done += count;
        }

        return done;
    }
}
