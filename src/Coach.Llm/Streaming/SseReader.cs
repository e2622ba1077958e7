using System.Buffers;
using System.Runtime.CompilerServices;

namespace Coach.Llm.Streaming;

/// <summary>
/// Reads server-sent events (WHATWG HTML, "Server-sent events", §9.2.6) from a stream over one pooled buffer; an
/// event's data is a slice of it. As the standard says, unknown fields and events without data are ignored.
/// </summary>
/// <remarks>
/// An event that the end of the stream leaves without its blank line is delivered, where the standard drops it: some
/// servers end like that, and a decoder notices when it is cut. Not safe for concurrent use.
/// </remarks>
internal sealed class SseReader(Stream stream, int maxEventBytes, long maxBytes) : IDisposable
{
    private const int FirstBuffer = 16 * 1024;
    private const int Framing = 1024; // field names, types and comments round an event's data

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Min(FirstBuffer, maxEventBytes));
    private int _start; // the first byte of the event being read
    private int _line; // the first byte of the line being read
    private int _scan; // where the search for the line's end goes on
    private int _end; // behind the last byte read
    private long _total;
    private int _dataStart;
    private int _dataLength = -1;
    private int _typeStart;
    private int _typeLength;
    private byte[]? _movedType; // where data lines on both sides of it are joined over its place
    private bool _skipLineFeed;
    private bool _isPastStart;
    private bool _isForeign;
    private bool _hasComment;

    /// <summary>
    /// The data of the event that <see cref="ReadAsync"/> stopped at; valid until it is called again.
    /// </summary>
    public ReadOnlySpan<byte> Data => _buffer.AsSpan(_dataStart, Math.Max(0, _dataLength));

    /// <summary>The type of that event; empty if it has none.</summary>
    public ReadOnlySpan<byte> EventType => _movedType ?? _buffer.AsSpan(_typeStart, _typeLength);

    /// <summary>
    /// Whether <see cref="ReadAsync"/> stopped at a comment, which servers send to show that they are at work.
    /// </summary>
    public bool IsComment { get; private set; }

    /// <summary>
    /// Whether the body is no event stream: JSON or a page, at whose end <see cref="ReadAsync"/> returns false.
    /// </summary>
    public bool IsForeign => _isForeign;

    /// <summary>That body.</summary>
    public ReadOnlySpan<byte> Foreign => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Whether the stream ended within the event that <see cref="ReadAsync"/> stopped at.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Goes on to the next event, or to a comment that the server is now silent after.</summary>
    /// <returns>False at the end of the stream.</returns>
    /// <exception cref="ProtocolException">Too large.</exception>
    public ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (!IsComment)
        {
            _start = _line;
            _dataLength = -1;
            SetType(0, 0);
        }

        IsComment = false;
        return TryParse() ? new ValueTask<bool>(true) : ReadMoreAsync(cancellationToken);
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _dataLength = -1;
        _dataStart = 0;
        SetType(0, 0);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadMoreAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_hasComment)
            {
                _hasComment = false;
                return IsComment = true;
            }

            MakeRoom();
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return FinishAtEnd();
            }

            _end += read;
            _total += read;
            if (_total > maxBytes)
            {
                throw ProtocolException.TooLarge();
            }

            if (!_isForeign && TryParse())
            {
                return true;
            }
        }
    }

    private bool TryParse()
    {
        while (!_isForeign)
        {
            if (_skipLineFeed)
            {
                if (_line == _end)
                {
                    return false;
                }

                _skipLineFeed = false;
                if (_buffer[_line] == (byte)'\n')
                {
                    _scan = ++_line;
                }
            }

            int length = _buffer.AsSpan(_scan, _end - _scan).IndexOfAny((byte)'\n', (byte)'\r');
            if (length < 0)
            {
                _scan = _end;
                return false;
            }

            int from = _line;
            int to = _scan + length;
            _skipLineFeed = _buffer[to] == (byte)'\r';
            _line = _scan = to + 1;
            if (from < to)
            {
                TakeLine(from, to);
            }
            else if (_dataLength > 0)
            {
                _hasComment = false;
                return _dataLength <= maxEventBytes ? true : throw ProtocolException.TooLarge();
            }
            else
            {
                SetType(0, 0);
                _dataLength = -1;
            }

            if (_dataLength < 0 && _typeLength == 0 && !_isForeign)
            {
                _start = _line; // nothing of these lines is kept
            }
        }

        return false;
    }

    private void TakeLine(int from, int to)
    {
        if (!_isPastStart)
        {
            _isPastStart = true;
            if (_buffer.AsSpan(from, to - from).StartsWith("\uFEFF"u8))
            {
                from += 3;
            }

            if (from < to && _buffer[from] is (byte)'{' or (byte)'[' or (byte)'<')
            {
                // A plain body under an event stream's content type, which is how Gemini sends errors.
                _start = from;
                _isForeign = true;
                return;
            }
        }

        ReadOnlySpan<byte> line = _buffer.AsSpan(from, to - from);
        int colon = line.IndexOf((byte)':');
        ReadOnlySpan<byte> field = colon < 0 ? line : line[..colon];
        int value = colon < 0 ? to : from + colon + 1;
        if (value < to && _buffer[value] == (byte)' ')
        {
            value++;
        }

        if (field.SequenceEqual("data"u8))
        {
            AppendData(value, to - value);
        }
        else if (field.SequenceEqual("event"u8))
        {
            SetType(value, to - value);
        }
        else if (field.SequenceEqual("error"u8) && value < to && _buffer[value] == (byte)'{')
        {
            // No field of the format, but how servers on older llama.cpp say that they cannot go on.
            SetType(from, field.Length);
            AppendData(value, to - value);
        }
        else
        {
            _hasComment |= colon == 0;
        }
    }

    private void SetType(int start, int length) => (_typeStart, _typeLength, _movedType) = (start, length, null);

    // Several data lines are joined by line feeds, in place: the joined text is never longer than the lines were.
    private void AppendData(int start, int length)
    {
        if (_dataLength < 0)
        {
            _dataStart = start;
            _dataLength = length;
            return;
        }

        if (_typeLength > 0 && _typeStart > _dataStart)
        {
            _movedType ??= EventType.ToArray();
        }

        int target = _dataStart + _dataLength;
        _buffer.AsSpan(start, length).CopyTo(_buffer.AsSpan(target + 1));
        _buffer[target] = (byte)'\n';
        _dataLength += 1 + length;
    }

    private bool FinishAtEnd()
    {
        int from = _line;
        if (from < _end && !_isForeign)
        {
            _line = _scan = _end;
            TakeLine(from, _end);
        }

        IsCut = _dataLength > 0 && !_isForeign;
        return IsCut;
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        int used = _end - _start;
        byte[] target = _buffer;
        if (used > _buffer.Length / 2)
        {
            if (used >= maxEventBytes + Framing)
            {
                throw ProtocolException.TooLarge();
            }

            target = ArrayPool<byte>.Shared.Rent((int)Math.Min(maxEventBytes + (long)Framing, (long)used * 2));
        }

        byte[] source = _buffer;
        Buffer.BlockCopy(source, _start, target, 0, used);
        if (target != source)
        {
            _buffer = target;
            ArrayPool<byte>.Shared.Return(source);
        }

        _line -= _start;
        _scan -= _start;
        _end -= _start;
        _dataStart -= _dataLength < 0 ? _dataStart : _start;
        _typeStart -= _typeLength == 0 ? _typeStart : _start;
        _start = 0;
    }
}
