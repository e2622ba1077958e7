namespace Coach.Rag.Documents;

/// <summary>
/// The list items, admonitions and tabs that a line of Markdown stands in, outermost first, by their columns: what is
/// indented further than a container's mark is within it, as people write it (CommonMark 0.31, 5.2, asks for the
/// column of its content; Python-Markdown for four).
/// </summary>
internal sealed class MarkdownContainers
{
    private const int MaxDepth = 64;

    private readonly List<Container> _open = [];

    private sealed class Container(int mark, int content, bool isItem)
    {
        public int Mark => mark;

        public int Content => content;

        public bool IsItem => isItem;

        /// <summary>The headings above it; null until one stands within it.</summary>
        public string[]? Path { get; set; }
    }

    /// <summary>Whether there is one.</summary>
    public bool IsInside => _open.Count > 0;

    /// <summary>Whether the innermost is an item of a list.</summary>
    public bool IsInItem => _open.Count > 0 && _open[^1].IsItem;

    /// <summary>The column of the innermost one's mark; -1 for none.</summary>
    public int Mark => _open.Count > 0 ? _open[^1].Mark : -1;

    /// <summary>The column from which the innermost one's content stands; 0 for none.</summary>
    public int Content => _open.Count > 0 ? _open[^1].Content : 0;

    /// <summary>The column of the mark of the outermost list that a line is in; <paramref name="column"/> for none.
    /// </summary>
    /// <param name="column">The line's column.</param>
    public int ListMark(int column)
    {
        int i = _open.Count;
        while (i > 0 && _open[i - 1].IsItem)
        {
            i--;
        }

        return i < _open.Count ? _open[i].Mark : column;
    }

    /// <summary>Enters one.</summary>
    /// <param name="mark">The column of its mark.</param>
    /// <param name="content">The column from which its content stands.</param>
    /// <param name="isItem">Whether it is an item of a list.</param>
    public void Enter(int mark, int content, bool isItem)
    {
        if (_open.Count < MaxDepth)
        {
            _open.Add(new Container(mark, content, isItem));
        }
    }

    /// <summary>Leaves those that a line is not within.</summary>
    /// <param name="column">The line's column.</param>
    /// <param name="path">The headings above the outermost that was left, when one stands within it.</param>
    /// <returns>How many were left.</returns>
    public int Leave(int column, out string[]? path)
    {
        path = null;
        int left = 0;
        while (_open.Count > 0 && column <= _open[^1].Mark)
        {
            path = _open[^1].Path ?? path;
            _open.RemoveAt(_open.Count - 1);
            left++;
        }

        return left;
    }

    /// <summary>A heading comes: the path so far is what holds again where the containers end.</summary>
    public void Remember(string[] path)
    {
        foreach (Container container in _open)
        {
            container.Path ??= [.. path];
        }
    }
}
