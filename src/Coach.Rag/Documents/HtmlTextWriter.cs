using System.Globalization;
using System.Text;
using AngleSharp.Html;

namespace Coach.Rag.Documents;

/// <summary>Collects the text of an HTML document: white space collapsed, blocks apart, headings as paths.</summary>
internal sealed class HtmlTextWriter(string html)
{
    private const int MaxHeading = 300;
    private const int MaxReference = 33;

    private readonly StringBuilder _text = new();
    private readonly StringBuilder _heading = new();
    private readonly StringBuilder _title = new();
    private readonly string[] _path = new string[6];
    private readonly List<TextBlock> _blocks = [];
    private readonly SourceMap _map = new();
    private readonly List<(char Character, int Source, int Length)> _headingCharacters = [];
    private (char Character, int Source, int Length)[] _bare = [];      // a heading without text so far
    private int _bareLevel;
    private int _blockStart = -1;
    private int _headingLevel;
    private bool _inTitle;
    private bool _pendingSpace;

    public void Tag(string name, bool isStart)
    {
        switch (name)
        {
            case "title":
                _inTitle = isStart && _title.Length == 0;
                break;
            case "h1" or "h2" or "h3" or "h4" or "h5" or "h6":
                EndHeading();
                EndBlock();
                _headingLevel = isStart ? name[1] - '0' : 0;
                break;
            case "br" or "td" or "th":
                _pendingSpace = true;
                break;
            case "p" or "div" or "section" or "article" or "main" or "header" or "footer" or "nav" or "aside":
            case "ul" or "ol" or "li" or "table" or "tr" or "blockquote" or "pre" or "dl" or "dt" or "dd":
            case "figure" or "figcaption" or "form" or "hr" or "body":
                EndBlock();
                break;
        }
    }

    /// <summary>Adds the text between two positions of the markup; there are no tags in it.</summary>
    public void Text(int start, int end)
    {
        for (int i = start; i < end;)
        {
            if (html[i] == '&' && Reference(html.AsSpan(i, Math.Min(MaxReference, end - i))) is { } reference)
            {
                foreach (char c in reference.Text)
                {
                    Add(c, i, reference.Length);
                }

                i += reference.Length;
                continue;
            }

            Add(html[i], i, 1);
            i++;
        }
    }

    public StructuredText End()
    {
        EndHeading();
        EndBlock();
        AddBare(1);
        return new StructuredText(_text.ToString(), _title.ToString().Trim(), _blocks) { Map = _map };
    }

    private void Add(char c, int source, int length)
    {
        if (c == '\0')
        {
            return;
        }

        if (_inTitle)
        {
            Append(_title, c, MaxHeading);
            return;
        }

        if (_headingLevel > 0)
        {
            if (_heading.Length < MaxHeading || char.IsLowSurrogate(c))
            {
                Append(_heading, c, MaxHeading);
                _headingCharacters.Add((c, source, length));
                return;
            }

            EndHeading();       // it was never closed: the rest is text
        }

        if (char.IsWhiteSpace(c))
        {
            _pendingSpace = true;
            return;
        }

        _bare = [];
        if (_blockStart < 0)
        {
            _blockStart = _text.Length;
        }
        else if (_pendingSpace)
        {
            _map.Add(_text.Length, source - 1, source > 0 && char.IsWhiteSpace(html[source - 1]) ? 1 : 0);
            _text.Append(' ');
        }

        _pendingSpace = false;
        _map.Add(_text.Length, source, length);
        _text.Append(c);
    }

    private static void Append(StringBuilder target, char c, int most)
    {
        if (!char.IsWhiteSpace(c))
        {
            target.Append(c);
        }
        else if (target.Length > 0 && target.Length < most && target[^1] != ' ')
        {
            target.Append(' ');
        }
    }

    private void EndHeading()
    {
        if (_headingLevel > 0 && _heading.Length > 0)
        {
            if (char.IsHighSurrogate(_heading[^1]))
            {
                _heading.Length--;
            }

            int level = _headingLevel;
            _headingLevel = 0;
            AddBare(level);
            _path[level - 1] = _heading.ToString().TrimEnd();
            Array.Clear(_path, level, 6 - level);
            _bare = [.. _headingCharacters];
            _bareLevel = level;
        }

        _heading.Clear();
        _headingCharacters.Clear();
        _headingLevel = 0;
    }

    // A heading without text of its own and without parts becomes a passage, so that it is found; others are found with
    // the text below them.
    private void AddBare(int nextLevel)
    {
        if (_bare.Length == 0 || nextLevel > _bareLevel)
        {
            return;
        }

        (char Character, int Source, int Length)[] heading = _bare;
        Array.Clear(_path, _bareLevel - 1, 6 - (_bareLevel - 1));
        EndBlock();
        foreach ((char character, int source, int length) in heading)
        {
            Add(character, source, length);
        }

        EndBlock();
    }

    private void EndBlock()
    {
        if (_blockStart >= 0)
        {
            _blocks.Add(new TextBlock(_blockStart, _text.Length, TextBlock.Path(_path)));
            _text.Append("\n\n");
            _blockStart = -1;
        }

        _pendingSpace = false;
    }

    // A character reference at the start of the text, as HTML reads it: the longest name that is known, with or without
    // its semicolon.
    private static (string Text, int Length)? Reference(ReadOnlySpan<char> text)
    {
        int end = 1;
        if (text.Length > 2 && text[1] == '#')
        {
            bool isHex = text[2] is 'x' or 'X';
            int first = end = isHex ? 3 : 2;
            while (end < text.Length && (isHex ? char.IsAsciiHexDigit(text[end]) : char.IsAsciiDigit(text[end])))
            {
                end++;
            }

            if (end == first)
            {
                return null;
            }

            NumberStyles style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
            int code = int.TryParse(text[first..end], style, CultureInfo.InvariantCulture, out int parsed)
                ? parsed
                : -1;
            string character = HtmlEntityProvider.GetSymbolFromTable(code)
                ?? (Rune.IsValid(code) && code != 0 ? new Rune(code).ToString() : "\uFFFD");
            return (character, end < text.Length && text[end] == ';' ? end + 1 : end);
        }

        while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
        {
            end++;
        }

        if (end < text.Length && text[end] == ';'
            && HtmlEntityProvider.Resolver.GetSymbol(text[1..(end + 1)].ToString()) is { } full)
        {
            return (full, end + 1);
        }

        for (; end > 2; end--)
        {
            if (HtmlEntityProvider.Resolver.GetSymbol(text[1..end].ToString()) is { } known)
            {
                return (known, end);
            }
        }

        return null;
    }
}
