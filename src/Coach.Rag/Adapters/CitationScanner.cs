namespace Coach.Rag;

/// <summary>Finds <c>[n]</c> and <c>[n, m]</c> in text that arrives in pieces.</summary>
internal sealed class CitationScanner(int passages)
{
    private readonly bool[] _cited = new bool[passages + 1];
    private readonly List<int> _open = [];
    private bool _isOpen;
    private int _number = -1;

    public void Read(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (c == '[')
            {
                _isOpen = true;
                _open.Clear();
                _number = -1;
            }
            else if (!_isOpen)
            {
                continue;
            }
            else if (char.IsAsciiDigit(c))
            {
                _number = Math.Min(100_000, (Math.Max(_number, 0) * 10) + (c - '0'));
            }
            else if (c is ',' or ';' or ' ')
            {
                Keep();
            }
            else
            {
                Keep();
                if (c == ']')
                {
                    foreach (int number in _open)
                    {
                        _cited[number] = true;
                    }
                }

                _isOpen = false;
            }
        }
    }

    public IReadOnlyList<Citation> Citations(IReadOnlyList<Passage> passages) =>
        [.. Enumerable.Range(1, passages.Count).Where(n => _cited[n]).Select(n => new Citation(n, passages[n - 1]))];

    private void Keep()
    {
        if (_number >= 1 && _number < _cited.Length)
        {
            _open.Add(_number);
        }

        _number = -1;
    }
}
