namespace Coach.Rag.Store;

/// <summary>Appends commits to an index file, and writes new files. The caller holds the writer's role.</summary>
internal static class IndexFileWriter
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Appends one commit; makes the file if there is none. On failure the file still shows the commit before.</summary>
    public static LoadedCommit Append(
        string path, string index, IndexFileSystem files, IndexFileReader reader, LoadedCommit? before, CommitPlan plan,
        IndexChange change, CancellationToken cancellationToken)
    {
        if (before is null)
        {
            var header = new IndexHeader(Guid.NewGuid(), Generation: 0);
            WriteNewFile(path, index, files, header, (file, appender) =>
                WriteCommit(file, index, appender, header, null, plan, change, cancellationToken));
        }
        else
        {
            // Bytes after the last commit are what a crash left behind; damaged commits are kept, for a person to look at.
            long end = before.HasDamagedCommits ? IndexFormat.Align(before.Length) : before.End;
            try
            {
                using IndexWritableFile file = files.OpenForWriting(path, create: false);
                long trailer;
                try
                {
                    if (file.Length > end)
                    {
                        file.SetLength(end);
                    }

                    using var appender = new FileAppender(file, index, end);
                    trailer = WriteCommit(file, index, appender, before.Header, before, plan, change, cancellationToken);
                }
                catch (Exception exception)
                {
                    TakeBack(file, end, exception);
                    throw;
                }

                // From here on readers may see the commit, so nothing is taken back any more.
                file.Flush();
                TryWriteHint(file, before.Header, trailer);
            }
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
            {
                throw IndexFileErrors.Write(index, exception);
            }
        }

        LoadedCommit after = Reread(index, reader, before);
        for (int i = 0; i < change.Add.Count; i++)
        {
            change.Add[i].Id = after.State.NextSegmentId - change.Add.Count + i;
        }

        return after;
    }

    /// <summary>Writes the newest commit into a file of its own and puts that in the place of the old one.</summary>
    public static LoadedCommit Compact(
        string path, string index, IndexFileSystem files, IndexFileReader reader, LoadedCommit before, CancellationToken cancellationToken)
    {
        var header = new IndexHeader(Guid.NewGuid(), before.Header.Generation + 1);
        WriteNewFile(path, index, files, header, (file, appender) =>
        {
            var entries = new List<SegmentEntry>();
            foreach (IndexSegment segment in before.State.Segments)
            {
                SegmentEntry entry = appender.WriteSegment(segment.Id, segment.Sections.Select(section => (section.Kind, (Action<SectionWriter>)(writer =>
                {
                    for (long offset = 0; offset < section.Length; offset += CopyBytes)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        writer.Write(section.Slice(offset, (int)Math.Min(CopyBytes, section.Length - offset)));
                    }
                }))), cancellationToken);
                entries.Add(entry with { DeletedRows = appender.WriteBlob(segment.DeletedRows.Bytes.Span) });
            }

            var record = new CommitRecord(before.State.NextSegmentId, appender.WriteBlob(before.State.Manifest), entries);
            return Finish(file, appender, header, before.State.CommitId, record, previousTrailer: 0);
        });
        return Reread(index, reader, null);
    }

    private static long WriteCommit(
        IndexWritableFile file, string index, FileAppender appender, IndexHeader header, LoadedCommit? before, CommitPlan plan,
        IndexChange change, CancellationToken cancellationToken)
    {
        Dictionary<long, SegmentEntry> old = before is null ? [] : before.Record.Segments.ToDictionary(entry => entry.Id);
        var entries = new List<SegmentEntry>();
        foreach ((IndexSegment segment, byte[]? deleted) in plan.Kept())
        {
            SegmentEntry entry = old[segment.Id];
            entries.Add(deleted is null ? entry : entry with { DeletedRows = appender.WriteBlob(deleted) });
        }

        long nextId = before?.Record.NextSegmentId ?? 1;
        foreach (SegmentPayload payload in change.Add)
        {
            entries.Add(appender.WriteSegment(nextId++, payload.Sections, cancellationToken));
        }

        if (entries.Count > IndexFormat.MaxSegments)
        {
            throw new ArgumentException($"Index '{index}' would have {entries.Count} segments; the most is {IndexFormat.MaxSegments}.", nameof(change));
        }

        FileRange manifest = change.Manifest is null ? before?.Record.Manifest ?? default : appender.WriteBlob(change.Manifest);
        cancellationToken.ThrowIfCancellationRequested();
        return Finish(file, appender, header, (before?.State.CommitId ?? 0) + 1, new CommitRecord(nextId, manifest, entries), before?.TrailerOffset ?? 0);
    }

    // The data is on the device before the trailer that makes it a commit is written. The caller flushes the trailer.
    private static long Finish(IndexWritableFile file, FileAppender appender, IndexHeader header, long commitId, CommitRecord record, long previousTrailer)
    {
        FileRange range = appender.WriteBlob(record.Write());
        appender.Align();
        appender.Drain();
        file.Flush();
        long at = appender.Position;
        Span<byte> trailer = stackalloc byte[IndexFormat.TrailerBytes];
        new CommitTrailer(commitId, range.Offset, range.Length, range.Crc, previousTrailer).Write(trailer, header.FileId);
        file.Write(trailer, at);
        return at;
    }

    private static void WriteNewFile(string path, string index, IndexFileSystem files, IndexHeader header, Func<IndexWritableFile, FileAppender, long> write)
    {
        string aside = path + ".new";
        try
        {
            try
            {
                using (IndexWritableFile file = files.OpenForWriting(aside, create: true))
                {
                    var head = new byte[IndexFormat.DataStart];
                    header.Write(head);
                    file.Write(head, 0);
                    using var appender = new FileAppender(file, index, IndexFormat.DataStart);
                    long trailer = write(file, appender);
                    TryWriteHint(file, header, trailer);
                    file.Flush();
                }

                files.Replace(aside, path);
            }
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception) || exception is RagException or OperationCanceledException)
            {
                try
                {
                    files.Delete(aside);
                }
                catch (Exception second) when (IndexFileErrors.IsFileError(second))
                {
                    // The next writer starts that file afresh; the first failure is the one to report.
                }

                throw;
            }
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Write(index, exception);
        }
    }

    private static void TryWriteHint(IndexWritableFile file, IndexHeader header, long trailer)
    {
        Span<byte> hint = stackalloc byte[IndexFormat.HintBytes];
        header.WriteHint(hint, trailer);
        try
        {
            file.Write(hint, IndexFormat.HeaderBytes);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            // Readers then search the tail for the commit.
            return;
        }
    }

    private static void TakeBack(IndexWritableFile file, long end, Exception cause)
    {
        try
        {
            file.SetLength(end);
        }
        catch (Exception second) when (IndexFileErrors.IsFileError(second))
        {
            // The tail is no commit and the next writer cuts it off; 'cause' is what the caller learns.
            cause.Data["Coach.TailLeft"] = true;
        }
    }

    private static LoadedCommit Reread(string index, IndexFileReader reader, LoadedCommit? before)
    {
        try
        {
            return reader.ReadNewest(before, isThorough: true)
                ?? throw RagException.IndexCorrupt(index, "does not hold the commit that was just written; the volume may be failing");
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Read(index, exception);
        }
    }
}
