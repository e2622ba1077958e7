namespace Coach.Rag.Store;

/// <summary>
/// Copies segments into a file of its own, in slices, while the index is read and written; <see cref="Finish"/> copies
/// what came meanwhile and puts the file in the place of the old one. Segments never change, so what was copied stays
/// right, whatever is committed.
/// </summary>
/// <param name="path">The index file's path.</param>
/// <param name="aside">The path of the file while it is written.</param>
/// <param name="index">Its name, for messages.</param>
/// <param name="files">Through which it is written.</param>
/// <param name="source">The header of the file that is copied.</param>
internal sealed class IndexFileCompaction(
    string path, string aside, string index, IndexFileSystem files, IndexHeader source) : IDisposable
{
    private const int CopyBytes = 1 << 20;

    // Bytes that wait for the device at most: a commit's own flush must not wait for more of them.
    private const int SliceBytes = 4 << 20;

    private readonly IndexHeader _header = new(Guid.NewGuid(), source.Generation + 1);
    private readonly Dictionary<long, SegmentEntry> _copied = [];
    private IndexWritableFile? _file;
    private FileAppender? _appender;
    private long _flushed;
    private bool _isReplaced;

    /// <summary>Copies what a commit holds and is not copied yet.</summary>
    /// <returns>How many bytes there were.</returns>
    public long Copy(IndexCommit state, CancellationToken cancellationToken)
    {
        FileAppender appender = Begin();
        long start = appender.Position;
        foreach (IndexSegment segment in state.Segments.Where(segment => !_copied.ContainsKey(segment.Id)))
        {
            IEnumerable<(SectionKind, Action<SectionWriter>)> copies =
                segment.Sections.Select(section => (section.Kind, CopyOf(section, cancellationToken)));
            _copied.Add(segment.Id, appender.WriteSegment(segment.Id, copies, cancellationToken));
        }

        Flush();
        return appender.Position - start;
    }

    /// <summary>With the writer's role held: completes the file for a commit and puts it in place.</summary>
    /// <returns>How many bytes of segments were copied that the commit does not hold any more.</returns>
    public long Finish(IndexCommit state, CancellationToken cancellationToken)
    {
        Copy(state, cancellationToken);
        FileAppender appender = Begin();
        var entries = new List<SegmentEntry>();
        foreach (IndexSegment segment in state.Segments)
        {
            SegmentEntry entry = _copied[segment.Id];
            entries.Add(entry with { DeletedRows = appender.WriteBlob(segment.DeletedRows.Bytes.Span) });
        }

        var record = new CommitRecord(state.NextSegmentId, appender.WriteBlob(state.Manifest), entries);
        var commit = new NewCommit(state.CommitId, record, PreviousTrailer: 0);
        long trailer = IndexFileWriter.Finish(_file!, appender, _header, commit);
        IndexFileWriter.TryWriteHint(_file!, _header, trailer);
        _file!.Flush();
        Close();
        files.Replace(aside, path);
        _isReplaced = true;
        return _copied.Values.Sum(entry => entry.Bytes) - entries.Sum(entry => entry.Bytes);
    }

    /// <summary>Deletes what was not finished.</summary>
    public void Dispose()
    {
        bool isBegun = _file is not null || _flushed > 0;
        Close();
        if (!isBegun || _isReplaced)
        {
            return;
        }

        try
        {
            files.Delete(aside);
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception) || exception is RagException)
        {
            // The next compaction starts that file afresh.
            return;
        }
    }

    private FileAppender Begin()
    {
        if (_appender is not null)
        {
            return _appender;
        }

        _file = files.OpenForWriting(aside, create: true);
        var head = new byte[IndexFormat.DataStart];
        _header.Write(head);
        _file.Write(head, 0);
        _flushed = IndexFormat.DataStart;
        return _appender = new FileAppender(_file, index, IndexFormat.DataStart);
    }

    private Action<SectionWriter> CopyOf(IndexSection section, CancellationToken cancellationToken) => writer =>
    {
        for (long offset = 0; offset < section.Length; offset += CopyBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Write(section.Slice(offset, (int)Math.Min(CopyBytes, section.Length - offset)));
            if (_appender!.Position - _flushed >= SliceBytes)
            {
                Flush();
            }
        }
    };

    private void Flush()
    {
        _appender!.Drain();
        _file!.Flush();
        _flushed = _appender.Position;
    }

    private void Close()
    {
        _appender?.Dispose();
        _file?.Dispose();
        (_appender, _file) = (null, null);
    }
}
