namespace Coach.Rag.Store;

/// <summary>Appends commits to an index file, and writes new files. The caller holds the writer's role.</summary>
/// <param name="path">The file's path.</param>
/// <param name="index">Its name, for messages.</param>
/// <param name="files">Through which it is written.</param>
/// <param name="reader">Reads what was written.</param>
internal sealed class IndexFileWriter(string path, string index, IndexFileSystem files, IndexFileReader reader)
{
    private const int CopyBytes = 1 << 20;

    /// <summary>
    /// Appends one commit; makes the file if there is none. On failure the file still shows the commit before.
    /// </summary>
    /// <param name="before">The newest commit of the file; null when there is no file.</param>
    /// <param name="state">The commit that the change was checked against.</param>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Ends the writing; then nothing was committed.</param>
    public LoadedCommit Append(
        LoadedCommit? before, IndexCommit state, IndexChange change, CancellationToken cancellationToken)
    {
        if (before is null)
        {
            var header = new IndexHeader(Guid.NewGuid(), Generation: 0);
            WriteNewFile(header, (file, appender) =>
                Finish(file, appender, header, WriteCommit(appender, null, state, change, cancellationToken)));
        }
        else
        {
            // Bytes after the last commit are what a crash left behind; damaged commits are kept, for a person to look
            // at.
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
                    NewCommit commit = WriteCommit(appender, before, state, change, cancellationToken);
                    trailer = Finish(file, appender, before.Header, commit);
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

        LoadedCommit after = Reread(before);
        for (int i = 0; i < change.Add.Count; i++)
        {
            change.Add[i].Id = after.State.NextSegmentId - change.Add.Count + i;
        }

        return after;
    }

    /// <summary>Writes the newest commit into a file of its own and puts that in the place of the old one.</summary>
    public LoadedCommit Compact(LoadedCommit before, CancellationToken cancellationToken)
    {
        var header = new IndexHeader(Guid.NewGuid(), before.Header.Generation + 1);
        WriteNewFile(header, (file, appender) =>
        {
            var entries = new List<SegmentEntry>();
            foreach (IndexSegment segment in before.State.Segments)
            {
                IEnumerable<(SectionKind, Action<SectionWriter>)> copies =
                    segment.Sections.Select(section => (section.Kind, Copy(section, cancellationToken)));
                SegmentEntry entry = appender.WriteSegment(segment.Id, copies, cancellationToken);
                entries.Add(entry with { DeletedRows = appender.WriteBlob(segment.DeletedRows.Bytes.Span) });
            }

            var record = new CommitRecord(
                before.State.NextSegmentId, appender.WriteBlob(before.State.Manifest), entries);
            return Finish(file, appender, header, new NewCommit(before.State.CommitId, record, PreviousTrailer: 0));
        });
        return Reread(null);
    }

    private static Action<SectionWriter> Copy(IndexSection section, CancellationToken cancellationToken) => writer =>
    {
        for (long offset = 0; offset < section.Length; offset += CopyBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Write(section.Slice(offset, (int)Math.Min(CopyBytes, section.Length - offset)));
        }
    };

    private NewCommit WriteCommit(
        FileAppender appender,
        LoadedCommit? before,
        IndexCommit state,
        IndexChange change,
        CancellationToken cancellationToken)
    {
        Dictionary<long, SegmentEntry> old = before is null
            ? []
            : before.Record.Segments.ToDictionary(entry => entry.Id);
        var entries = new List<SegmentEntry>();
        foreach ((IndexSegment segment, byte[]? deleted) in state.Kept(change))
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
            throw new ArgumentException(
                $"Index '{index}' would have {entries.Count} segments; the most is {IndexFormat.MaxSegments}.",
                nameof(change));
        }

        FileRange manifest = change.Manifest is null
            ? before?.Record.Manifest ?? default
            : appender.WriteBlob(change.Manifest);
        cancellationToken.ThrowIfCancellationRequested();
        var record = new CommitRecord(nextId, manifest, entries);
        return new NewCommit((before?.State.CommitId ?? 0) + 1, record, before?.TrailerOffset ?? 0);
    }

    // The data is on the device before the trailer that makes it a commit is written. The caller flushes the trailer.
    private static long Finish(IndexWritableFile file, FileAppender appender, IndexHeader header, NewCommit commit)
    {
        FileRange range = appender.WriteBlob(commit.Record.Write());
        appender.Align();
        appender.Drain();
        file.Flush();
        long at = appender.Position;
        Span<byte> trailer = stackalloc byte[IndexFormat.TrailerBytes];
        new CommitTrailer(commit.CommitId, range.Offset, range.Length, range.Crc, commit.PreviousTrailer)
            .Write(trailer, header.FileId);
        file.Write(trailer, at);
        return at;
    }

    private void WriteNewFile(IndexHeader header, Func<IndexWritableFile, FileAppender, long> write)
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
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception) || exception is RagException
                or OperationCanceledException)
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

    private LoadedCommit Reread(LoadedCommit? before)
    {
        try
        {
            return reader.ReadNewest(before, isThorough: true)
                ?? throw RagException.IndexCorrupt(
                    index, "does not hold the commit that was just written; the volume may be failing");
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Read(index, exception);
        }
    }

    private readonly record struct NewCommit(long CommitId, CommitRecord Record, long PreviousTrailer);
}
