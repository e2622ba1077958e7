namespace Coach.Rag.Chat;

/// <summary>
/// Finds citations in an answer that arrives in pieces: <c>[1]</c>, <c>[1][2]</c>, <c>[1, 2]</c>, <c>[1-3]</c>,
/// <c>[^1]</c>, <c>【1】</c> and <c>【1†source】</c>. A number that no passage has is none, and what is in a code span
/// or a code block is code.
/// </summary>
internal sealed class CitationScanner(int passages)
{
    private const int FenceLength = 3;
    private const int MaxNumber = 100_000;

    private readonly List<TextSpan>?[] _cited = new List<TextSpan>?[passages + 1];
    private readonly List<int> _open = [];
    private readonly List<(int Number, TextSpan At)> _inSpan = [];
    private int _position = -1;     // of the character that is read
    private int _start;             // of the bracket that is open
    private char _close;            // what ends the bracket that is open; none when zero
    private bool _isIgnoring;       // within 【1†…】 behind the dagger
    private int _number = -1;
    private int _rangeStart = -1;
    private int _backticks;         // how many came last
    private int _code;              // how many opened the code we are in; none when zero
    private int _newlines;

    public void Read(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            _position++;
            if (c == '`')
            {
                _backticks++;
                _close = '\0';
                continue;
            }

            EndBackticks();
            _newlines = c switch
            {
                '\n' => _newlines + 1,
                _ when char.IsWhiteSpace(c) => _newlines,
                _ => 0,
            };
            if (_newlines > 1 && _code is > 0 and < FenceLength)
            {
                EndSpan(isCode: false);     // a code span ends with its paragraph: that was a lone backtick
            }

            Read(c);
        }
    }

    /// <summary>The passages that were cited, by number. The answer is complete.</summary>
    public IReadOnlyList<Citation> Citations(IReadOnlyList<Passage> passages)
    {
        EndBackticks();
        EndSpan(isCode: false);     // code that never ends is none
        return [.. Enumerable.Range(1, passages.Count).Where(n => _cited[n] is not null)
            .Select(n => new Citation(n, passages[n - 1]) { At = _cited[n]! })];
    }

    private void Read(char c)
    {
        if (c is '[' or '【')
        {
            _close = c == '[' ? ']' : '】';
            _start = _position;
            _isIgnoring = false;
            _open.Clear();
            _number = _rangeStart = -1;
        }
        else if (_close == '\0')
        {
            return;
        }
        else if (c == _close)
        {
            Keep();
            Cite();
            _close = '\0';
        }
        else if (_isIgnoring || (c == '^' && _number < 0 && _open.Count == 0))
        {
            return;
        }
        else if (char.IsAsciiDigit(c))
        {
            _number = Math.Min(MaxNumber, (Math.Max(_number, 0) * 10) + (c - '0'));
        }
        else if (c is '-' or '–' && _number >= 0 && _rangeStart < 0)
        {
            (_rangeStart, _number) = (_number, -1);
        }
        else if (c is ',' or ';' or ' ')
        {
            Keep();
        }
        else if (c == '†' && _close == '】')
        {
            Keep();
            _isIgnoring = true;
        }
        else
        {
            _close = '\0';
        }
    }

    private void Keep()
    {
        int first = _rangeStart >= 0 ? _rangeStart : _number;
        for (int n = Math.Max(1, first); _number >= 0 && n <= Math.Min(_number, _cited.Length - 1); n++)
        {
            _open.Add(n);
        }

        _number = _rangeStart = -1;
    }

    private void Cite()
    {
        var at = new TextSpan(_start, _position - _start + 1);
        foreach (int number in _open)
        {
            if (_code == 0)
            {
                Cite(number, at);
            }
            else
            {
                _inSpan.Add((number, at));
            }
        }
    }

    private void Cite(int number, TextSpan at)
    {
        List<TextSpan> places = _cited[number] ??= [];
        if (places.Count == 0 || places[^1] != at)
        {
            places.Add(at);
        }
    }

    private void EndBackticks()
    {
        if (_backticks == 0)
        {
            return;
        }

        if (_code == 0)
        {
            _code = _backticks;
        }
        else if (_backticks == _code || (_code >= FenceLength && _backticks > _code))
        {
            EndSpan(isCode: true);
        }

        _backticks = 0;
    }

    private void EndSpan(bool isCode)
    {
        if (!isCode)
        {
            _inSpan.ForEach(place => Cite(place.Number, place.At));
        }

        _inSpan.Clear();
        _code = 0;
    }
}
