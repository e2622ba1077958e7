using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Coach.Payments.Idempotency;

/// <summary>
/// Settled records on disk, out of memory: segments of record frames that are only ever appended to, each with an
/// index of fixed facts (hashes of names, times), of which some 150 bytes a record are in memory. A record that comes
/// back to life lives in the journal and shadows what is here; archived again, its latest entry counts
/// (log-structured merge, without the merge: a segment goes when nothing in it is alive). Not safe for concurrent
/// use; its owner locks.
/// </summary>
internal sealed class RecordArchive : IDisposable
{
    private const string Content = "archive";
    private const int FixedBytes = 42;
    private const int HeadBytes = 6;
    private const byte Parked = 1;

    private readonly string _path;
    private readonly int _recordsPerSegment;
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<ulong, int> _keys = [];
    private readonly Dictionary<ulong, int> _newestOfOwner = [];
    private readonly List<(long PaidAt, int Ordinal)> _feeless = [];
    private readonly SortedDictionary<int, Segment> _segments = [];
    private int[] _byTag = [];
    private int _alive;

    public RecordArchive(string journal, int recordsPerSegment = 65_536)
    {
        _path = journal + ".archive-";
        _recordsPerSegment = recordsPerSegment;
        string folder = Path.GetDirectoryName(_path)!;
        var found = new SortedSet<int>();
        foreach (string file in Directory.EnumerateFiles(folder, Path.GetFileName(_path) + "*"))
        {
            string suffix = Path.GetFileName(file)[Path.GetFileName(_path).Length..];
            if (int.TryParse(suffix, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                found.Add(number);
            }
        }

        long bytes = found.Sum(number => File.Exists(IndexOf(number)) ? new FileInfo(IndexOf(number)).Length : 0);
        _entries.Capacity = (int)(bytes / (HeadBytes + FixedBytes + 32));
        _keys.EnsureCapacity((int)(bytes / 20));
        try
        {
            foreach (int number in found)
            {
                Load(number);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How many records there are.</summary>
    public int Count => _alive;

    public PaymentRecord? Find(string tag) =>
        _keys.TryGetValue(Hash('t', tag), out int ordinal) && Read(ordinal) is { } record && record.Tag == tag
            ? record
            : null;

    public PaymentRecord? FindByLink(string id) =>
        _keys.TryGetValue(Hash('l', id), out int ordinal) && Read(ordinal) is { } record && record.LinkId == id
            ? record
            : null;

    public PaymentRecord? FindByPayment(string id) =>
        _keys.TryGetValue(Hash('p', id), out int ordinal) && Read(ordinal) is { } record
            && record.Payments.Any(row => row.PaymentIntentId == id || row.ChargeId == id)
            ? record
            : null;

    /// <summary>Takes records over: when this returns, they are on disk.</summary>
    public void Append(IReadOnlyList<PaymentRecord> records)
    {
        Segment? last = _segments.Count > 0 ? _segments.Values.Last() : null;
        Segment segment = last?.Records < _recordsPerSegment ? last : NewSegment();
        var data = new ArrayBufferWriter<byte>(records.Count * 1024);
        var index = new ArrayBufferWriter<byte>(records.Count * 96);
        var added = new List<(Entry Entry, ulong[] Keys, ulong Owner)>(records.Count);
        foreach (PaymentRecord record in records)
        {
            long offset = segment.DataLength + data.WrittenCount;
            JournalFormat.Put(data, segment.DataLength, record);
            (Entry entry, ulong[] keys, ulong owner) = Describe(record, segment.Number, offset);
            added.Add((entry, keys, owner));
            WriteIndex(index, entry, keys, owner);
        }

        // The data first: an index entry never points at what may be missing.
        segment.Append(data.WrittenSpan, index.WrittenSpan);
        foreach ((Entry entry, ulong[] keys, ulong owner) in added)
        {
            Add(segment, entry, keys, owner);
        }
    }

    /// <summary>Forgets what was untouched for long; whole segments of it go from disk.</summary>
    /// <param name="before">What was last written before this moment.</param>
    /// <param name="isLive">Whether a record is in the journal, too: then it is not counted here.</param>
    /// <returns>How many records were forgotten.</returns>
    public int Prune(DateTimeOffset before, Func<string, bool> isLive)
    {
        int count = 0;
        for (int ordinal = 0; ordinal < _entries.Count; ordinal++)
        {
            if (_entries[ordinal] is { IsDead: false } entry && entry.UpdatedAt < before.UtcTicks)
            {
                count += isLive(Read(ordinal).Tag) ? 0 : 1;
                Kill(ordinal);
            }
        }

        Segment[] empty = [.. _segments.Values.Where(static segment => segment is { Alive: 0, Records: > 0 })];
        foreach (Segment dead in empty)
        {
            _segments.Remove(dead.Number);
            dead.Delete();
        }

        return count;
    }

    /// <summary>The records behind a tag, in ordinal order of tags.</summary>
    public IEnumerable<PaymentRecord> After(string? tag)
    {
        Sort();
        ulong prefix = tag is null ? 0 : PrefixOf(tag);
        int low = 0;
        for (int high = _byTag.Length; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _entries[_byTag[middle]].Prefix < prefix ? (middle + 1, high) : (low, middle);
        }

        for (; low < _byTag.Length; low++)
        {
            int ordinal = _byTag[low];
            if (!_entries[ordinal].IsDead && Read(ordinal) is { } record
                && (tag is null || string.CompareOrdinal(record.Tag, tag) > 0))
            {
                yield return record;
            }
        }
    }

    /// <summary>An owner's records, newest first.</summary>
    public IEnumerable<PaymentRecord> OfOwner(string owner)
    {
        var found = new List<(long CreatedAt, int Ordinal)>();
        for (int at = _newestOfOwner.GetValueOrDefault(Hash('o', owner), -1); at >= 0; at = _entries[at].Earlier)
        {
            if (!_entries[at].IsDead)
            {
                found.Add((_entries[at].CreatedAt, at));
            }
        }

        return found.OrderByDescending(static entry => entry.CreatedAt).Select(entry => Read(entry.Ordinal))
            .Where(record => record.Request.Owner == owner);
    }

    /// <summary>Records with a payment whose fee is not known, the earliest paid first.</summary>
    public IEnumerable<PaymentRecord> Feeless(DateTimeOffset? since) => _feeless
        .Where(entry => !_entries[entry.Ordinal].IsDead && (since is null || entry.PaidAt >= since.Value.UtcTicks))
        .Order().Select(entry => Read(entry.Ordinal));

    public void Dispose()
    {
        foreach (Segment segment in _segments.Values)
        {
            segment.Dispose();
        }
    }

    private string DataOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{_path}{number:00000}");

    private string IndexOf(int number) => DataOf(number) + ".index";

    private Segment NewSegment()
    {
        int number = _segments.Count == 0 ? 1 : _segments.Keys.Last() + 1;
        var segment = new Segment(number, DataOf(number), IndexOf(number));
        var header = new ArrayBufferWriter<byte>();
        JournalFormat.Header(header, null, null, Content);
        segment.Append(header.WrittenSpan, []);
        _segments.Add(number, segment);
        return segment;
    }

    private void Load(int number)
    {
        var segment = new Segment(number, DataOf(number), IndexOf(number));
        _segments.Add(number, segment);
        byte[] index = File.ReadAllBytes(IndexOf(number));
        int end = 0;
        long last = 0;
        while (TryReadIndex(index.AsSpan(end), number, out Entry entry, out _, out _, out int length))
        {
            last = entry.Offset;
            end += length;
        }

        // Torn, damaged or missing: it is made anew from the data. What of that was not taken over yet is in the
        // journal still, which shadows it.
        if (end == 0 || end < index.Length)
        {
            foreach ((Entry entry, ulong[] keys, ulong owner) in Rebuild(segment))
            {
                Add(segment, entry, keys, owner);
            }

            return;
        }

        segment.IndexLength = end;
        segment.DataLength = last + JournalFormat.LengthAt(segment.Data, last, segment.Path);
        for (int at = 0; at < end;)
        {
            ReadOnlySpan<byte> rest = index.AsSpan(at);
            TryReadIndex(rest, number, out Entry entry, out ReadOnlySpan<ulong> keys, out ulong owner, out int length);
            Add(segment, entry, keys, owner);
            at += length;
        }
    }

    // Reads every record of a segment: slow, and only after damage.
    private static List<(Entry Entry, ulong[] Keys, ulong Owner)> Rebuild(Segment segment)
    {
        var added = new List<(Entry Entry, ulong[] Keys, ulong Owner)>();
        var index = new ArrayBufferWriter<byte>();
        using var file = new JournalFile(segment.Path, FileShare.ReadWrite);
        segment.DataLength = JournalFormat.Load(file, (kind, content, offset) =>
        {
            if (kind == JournalFormat.Kind.Header)
            {
                JournalFormat.CheckHeader(content, segment.Path, Content);
                return;
            }

            (Entry Entry, ulong[] Keys, ulong Owner) described =
                Describe(PaymentRecordSerializer.Deserialize(content), segment.Number, offset);
            added.Add(described);
            WriteIndex(index, described.Entry, described.Keys, described.Owner);
        });
        segment.ReplaceIndex(index.WrittenSpan);
        return added;
    }

    private PaymentRecord Read(int ordinal)
    {
        Entry entry = _entries[ordinal];
        Segment segment = _segments[entry.Segment];
        return JournalFormat.ReadPut(segment.Data, entry.Offset, segment.Path);
    }

    private void Add(Segment segment, Entry entry, ReadOnlySpan<ulong> keys, ulong owner)
    {
        int ordinal = _entries.Count;
        if (_keys.TryGetValue(keys[0], out int former))
        {
            Kill(former);
        }

        bool isParked = (entry.Flags & Parked) != 0;
        for (int i = 0; i < keys.Length; i++)
        {
            // The first is the tag. Where another record has a name, too, one that is matched is meant.
            if (i == 0 || !isParked)
            {
                _keys[keys[i]] = ordinal;
            }
            else
            {
                _keys.TryAdd(keys[i], ordinal);
            }
        }

        if (owner != 0)
        {
            entry = entry with { Earlier = _newestOfOwner.GetValueOrDefault(owner, -1) };
            _newestOfOwner[owner] = ordinal;
        }

        if (entry.FeelessAt != 0)
        {
            _feeless.Add((entry.FeelessAt, ordinal));
        }

        _entries.Add(entry);
        _alive++;
        segment.Records++;
        segment.Alive++;
    }

    private void Kill(int ordinal)
    {
        if (_entries[ordinal] is { IsDead: false } entry)
        {
            _entries[ordinal] = entry with { IsDead = true };
            _segments[entry.Segment].Alive--;
            _alive--;
        }
    }

    private void Sort()
    {
        if (_byTag.Length == _entries.Count)
        {
            return;
        }

        int[] sorted = [.. Enumerable.Range(0, _entries.Count)];
        ulong[] prefixes = [.. _entries.Select(static entry => entry.Prefix)];
        Array.Sort(prefixes, sorted);
        for (int start = 0; start < sorted.Length;)
        {
            int end = start + 1;
            while (end < sorted.Length && prefixes[end] == prefixes[start])
            {
                end++;
            }

            // Rare: eight equal characters. Their records tell.
            if (end - start > 1)
            {
                int[] equal = sorted[start..end];
                string[] tags = [.. equal.Select(ordinal => _entries[ordinal].IsDead ? "" : Read(ordinal).Tag)];
                Array.Sort(tags, equal, StringComparer.Ordinal);
                equal.CopyTo(sorted, start);
            }

            start = end;
        }

        _byTag = sorted;
    }

    private static (Entry Entry, ulong[] Keys, ulong Owner) Describe(PaymentRecord record, int segment, long offset)
    {
        var keys = new List<ulong> { Hash('t', record.Tag) };
        if (record.LinkId is { } link)
        {
            keys.Add(Hash('l', link));
        }

        foreach (LinkPayment row in record.Payments)
        {
            string?[] ids = [row.PaymentIntentId, row.ChargeId];
            keys.AddRange(ids.OfType<string>().Select(static id => Hash('p', id)));
        }

        var entry = new Entry(
            PrefixOf(record.Tag), offset, record.CreatedAt.UtcTicks, record.UpdatedAt.UtcTicks,
            PaymentRecordIndex.FeeUnknownAt(record)?.UtcTicks ?? 0, segment,
            record.State == PaymentRecordState.Unmatched ? Parked : (byte)0, -1, false);
        return (entry, [.. keys], record.Request.Owner is { } owner ? Hash('o', owner) : 0);
    }

    // Length, checksum, fixed part, keys.
    private static void WriteIndex(ArrayBufferWriter<byte> writer, Entry entry, ReadOnlySpan<ulong> keys, ulong owner)
    {
        int length = HeadBytes + FixedBytes + 8 + (keys.Length * 8);
        Span<byte> span = writer.GetSpan(length)[..length];
        BinaryPrimitives.WriteUInt16LittleEndian(span, checked((ushort)length));
        BinaryPrimitives.WriteUInt64LittleEndian(span[6..], entry.Prefix);
        BinaryPrimitives.WriteInt64LittleEndian(span[14..], entry.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(span[22..], entry.CreatedAt);
        BinaryPrimitives.WriteInt64LittleEndian(span[30..], entry.UpdatedAt);
        BinaryPrimitives.WriteInt64LittleEndian(span[38..], entry.FeelessAt);
        span[46] = entry.Flags;
        span[47] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(span[48..], owner);
        for (int i = 0; i < keys.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(span[(56 + (i * 8))..], keys[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(span[2..], ~Crc32C.Append(Crc32C.Start, span[HeadBytes..]));
        writer.Advance(length);
    }

    private static bool TryReadIndex(
        ReadOnlySpan<byte> span, int segment, out Entry entry, out ReadOnlySpan<ulong> keys, out ulong owner,
        out int length)
    {
        (entry, owner, length) = (default, 0, 0);
        keys = default;
        if (span.Length < 64)
        {
            return false;
        }

        length = BinaryPrimitives.ReadUInt16LittleEndian(span);
        if (length < 64 || length > span.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(span[2..])
                != ~Crc32C.Append(Crc32C.Start, span[HeadBytes..length]))
        {
            return false;
        }

        entry = new Entry(
            BinaryPrimitives.ReadUInt64LittleEndian(span[6..]), BinaryPrimitives.ReadInt64LittleEndian(span[14..]),
            BinaryPrimitives.ReadInt64LittleEndian(span[22..]), BinaryPrimitives.ReadInt64LittleEndian(span[30..]),
            BinaryPrimitives.ReadInt64LittleEndian(span[38..]), segment, span[46], -1, false);
        owner = BinaryPrimitives.ReadUInt64LittleEndian(span[48..]);

        // Little-endian, as every machine that Coach is built for.
        keys = MemoryMarshal.Cast<byte, ulong>(span[56..length]);
        return true;
    }

    // In the order of the tags themselves.
    private static ulong PrefixOf(string tag)
    {
        Span<byte> bytes = stackalloc byte[8];
        for (int i = 0; i < 8 && i < tag.Length; i++)
        {
            bytes[i] = (byte)Math.Min(tag[i], (char)255);
        }

        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    // 64 bits of SHA-256: what is found is compared with what was looked for, and a million names meet by chance once
    // in thirty million archives.
    private static ulong Hash(char kind, string name)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(kind + name), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private readonly record struct Entry(
        ulong Prefix, long Offset, long CreatedAt, long UpdatedAt, long FeelessAt, int Segment, byte Flags, int Earlier,
        bool IsDead);

    private sealed class Segment : IDisposable
    {
        private readonly string _indexPath;
        private readonly SafeFileHandle _index;

        public Segment(int number, string path, string indexPath)
        {
            (Number, Path, _indexPath) = (number, path, indexPath);
            Data = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
            _index = File.OpenHandle(indexPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        }

        public int Number { get; }

        public string Path { get; }

        public SafeFileHandle Data { get; }

        public long DataLength { get; set; }

        public long IndexLength { get; set; }

        public int Records { get; set; }

        public int Alive { get; set; }

        public void Append(ReadOnlySpan<byte> data, ReadOnlySpan<byte> index)
        {
            // What a failed attempt left behind is cut off first.
            RandomAccess.SetLength(Data, DataLength);
            RandomAccess.Write(Data, data, DataLength);
            RandomAccess.FlushToDisk(Data);
            RandomAccess.SetLength(_index, IndexLength);
            RandomAccess.Write(_index, index, IndexLength);
            RandomAccess.FlushToDisk(_index);
            DataLength += data.Length;
            IndexLength += index.Length;
        }

        public void ReplaceIndex(ReadOnlySpan<byte> index)
        {
            RandomAccess.SetLength(_index, 0);
            RandomAccess.Write(_index, index, 0);
            RandomAccess.FlushToDisk(_index);
            IndexLength = index.Length;
        }

        public void Delete()
        {
            Dispose();
            File.Delete(Path);
            File.Delete(_indexPath);
        }

        public void Dispose()
        {
            Data.Dispose();
            _index.Dispose();
        }
    }
}
