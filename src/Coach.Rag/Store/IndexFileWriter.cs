namespace Coach.Rag.Store;

/// <summary>Appends commits to an index file, and writes new files. The caller holds the writer's role.</summary>
/// <param name="path">The file's path.</param>
/// <param name="index">Its name, for messages.</param>
/// <param name="files">Through which it is written.</param>
/// <param name="reader">Reads what was written.</param>
internal sealed class IndexFileWriter(string path, string index, IndexFileSystem files, IndexFileReader reader)
{
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

    /// <summary>Writes a commit into a file of its own and puts that in the place of the old one.</summary>
    public LoadedCommit Compact(LoadedCommit before, CancellationToken cancellationToken)
    {
        using var compaction = new IndexFileCompaction(path, path + ".new", index, files, before.Header);
        return Complete(compaction, before, out _, cancellationToken);
    }

    /// <summary>Begins to copy a file's segments into one of its own, beside writers: <c>NAME.compact</c>.</summary>
    public IndexFileCompaction BeginCompaction(LoadedCommit before) =>
        new(path, path + ".compact", index, files, before.Header);

    /// <summary>As <see cref="IndexFileCompaction.Copy"/>, in the index's own errors.</summary>
    public long Copy(IndexFileCompaction compaction, IndexCommit state, CancellationToken cancellationToken)
    {
        try
        {
            return compaction.Copy(state, cancellationToken);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Write(index, exception);
        }
    }

    /// <summary>With the writer's role held: puts a compaction in the place of the file.</summary>
    /// <param name="compaction">What was copied so far, of the same file.</param>
    /// <param name="newest">The newest commit of the file.</param>
    /// <param name="deadBytes">Bytes of segments that were copied and left the index meanwhile.</param>
    /// <param name="cancellationToken">Ends the work; then the file is as it was.</param>
    public LoadedCommit Complete(
        IndexFileCompaction compaction, LoadedCommit newest, out long deadBytes, CancellationToken cancellationToken)
    {
        try
        {
            deadBytes = compaction.Finish(newest.State, cancellationToken);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            throw IndexFileErrors.Write(index, exception);
        }

        return Reread(null);
    }

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
            if (before is { Header.Version: < IndexFormat.TextBlocksVersion }
                && payload.Sections.Any(section => section.Kind == SectionKind.TextBlocks))
            {
                // The file was replaced by an older one since the segment was made.
                throw RagException.IndexBusy(index, $"was replaced by a file of format {before.Header.Version}");
            }

            SegmentEntry entry = appender.WriteSegment(nextId++, payload.Sections, cancellationToken);
            entries.Add(entry with { DeletedRows = appender.WriteBlob(payload.DeletedRows) });
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
    internal static long Finish(IndexWritableFile file, FileAppender appender, IndexHeader header, NewCommit commit)
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

    internal static void TryWriteHint(IndexWritableFile file, IndexHeader header, long trailer)
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
}

/// <summary>A commit that is being written: its number, its record, and where the trailer before it is.</summary>
internal readonly record struct NewCommit(long CommitId, CommitRecord Record, long PreviousTrailer);
