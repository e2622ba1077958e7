namespace Coach.Prometheus.Exposition;

/// <summary>
/// The bytes of one family on one page. They are kept and written over: as long as lines keep their length, only the
/// numbers that changed are touched, since everything else stands there from the page before.
/// </summary>
internal sealed class FamilyBuffer
{
    private const int InitialBytes = 512;

    private byte[] _bytes = new byte[InitialBytes];
    private int[] _lineEnds = new int[8];
    // The numbers as raw 64 bits: to compare them costs less than to format them.
    private long[] _values = new long[8];
    // The lines' exemplars, 0 for none; null until there is one.
    private long[]? _marks;
    private int _lines;
    private int _length;

    // What the bytes were written from; null when they must not be written over.
    private object? _layout;

    private int _line;
    private bool _isInPlace;
    private bool _isRegular;

    public int Length => _length;

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, _length);

    /// <summary>Begins a page.</summary>
    /// <param name="layout">
    /// Stands for the texts that follow: with the object that the last <see cref="End"/> was given, the same texts
    /// follow in the same order, and only numbers may differ.
    /// </param>
    /// <param name="head">The first lines; part of the layout.</param>
    public void Begin(object layout, ReadOnlySpan<byte> head)
    {
        bool isKept = ReferenceEquals(layout, _layout);
        Restart(head);
        _isInPlace = isKept && _lines > 0;
    }

    /// <summary>Forgets everything and begins anew.</summary>
    public void Restart(ReadOnlySpan<byte> head)
    {
        _layout = null; // until the end, in case that writing fails
        _isInPlace = false;
        _isRegular = true;
        _line = _length = 0;
        Reserve(head.Length);
        head.CopyTo(_bytes);
        _length = head.Length;
    }

    /// <summary>Ends the page.</summary>
    public void End(object layout)
    {
        _lines = _line;
        _layout = _isRegular ? layout : null;
        if (_bytes.Length > InitialBytes && _bytes.Length / 4 > _length)
        {
            Array.Resize(ref _bytes, Math.Max(_length, InitialBytes)); // a large page is not kept for ever
        }
    }

    /// <summary>Leaves the family out of the page.</summary>
    public void Clear()
    {
        Restart([]);
        _lines = 0;
    }

    /// <summary>
    /// Whether the line stands there with this very number and exemplar already; then it is done.
    /// </summary>
    /// <param name="value">The number's 64 bits.</param>
    /// <param name="mark">Stands for the exemplar; 0 for none.</param>
    public bool TryKeep(long value, long mark = 0)
    {
        if (!_isInPlace || _values[_line] != value || (_marks is null ? 0 : _marks[_line]) != mark)
        {
            return false;
        }

        _length = _lineEnds[_line++];
        _isInPlace = _line < _lines;
        return true;
    }

    /// <summary>Writes a line: text, number, line feed.</summary>
    /// <param name="text">The name, the labels and a space.</param>
    /// <param name="number">The number's text.</param>
    /// <param name="value">What <see cref="TryKeep"/> will compare.</param>
    public void Line(ReadOnlySpan<byte> text, ReadOnlySpan<byte> number, long value)
    {
        int start = _length + text.Length;
        int end = start + number.Length + 1;
        Reserve(end - _length);
        byte[] bytes = _bytes;
        if (!_isInPlace)
        {
            text.CopyTo(bytes.AsSpan(_length));
        }

        number.CopyTo(bytes.AsSpan(start));
        bytes[end - 1] = (byte)'\n';
        Commit(end, value, mark: 0);
    }

    /// <summary>Writes a line with an exemplar.</summary>
    public void Line(ReadOnlySpan<byte> text, ReadOnlySpan<byte> number, long value, in ExemplarLink exemplar)
    {
        int start = _length + text.Length;
        int tail = start + number.Length;
        Reserve(tail + ExemplarLink.MaxLength + 1 - _length);
        byte[] bytes = _bytes;
        if (!_isInPlace)
        {
            text.CopyTo(bytes.AsSpan(_length));
        }

        number.CopyTo(bytes.AsSpan(start));
        int end = tail + exemplar.Write(bytes.AsSpan(tail));
        bytes[end++] = (byte)'\n';
        Commit(end, value, exemplar.Mark);
    }

    /// <summary>Says that the lines from here on are not those of the page before.</summary>
    public void Break() => _isInPlace = false;

    /// <summary>Passes over a line that is left out of this page only.</summary>
    public void Skip() => _isInPlace = _isRegular = false;

    /// <summary>Writes other text. The block is then written in full the next time, too.</summary>
    public void Raw(ReadOnlySpan<byte> text)
    {
        Skip();
        Reserve(text.Length);
        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
    }

    private void Commit(int end, long value, long mark)
    {
        _length = end;
        int line = _line++;
        if (line >= _lineEnds.Length)
        {
            Array.Resize(ref _lineEnds, line * 2);
            Array.Resize(ref _values, line * 2);
        }

        if (mark != 0 || _marks is not null)
        {
            Mark(line, mark);
        }

        // What follows is still in its place only while lines end where they ended before.
        _isInPlace = _isInPlace && _lineEnds[line] == end && _line < _lines;
        _lineEnds[line] = end;
        _values[line] = value;
    }

    private void Mark(int line, long mark)
    {
        if (_marks is null || line >= _marks.Length)
        {
            Array.Resize(ref _marks, _lineEnds.Length);
        }

        _marks[line] = mark;
    }

    private void Reserve(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(_length + bytes, _bytes.Length * 2));
        }
    }
}
