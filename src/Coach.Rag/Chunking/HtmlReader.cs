using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace Coach.Rag;

/// <summary>Renders HTML to plain text with headings; passages quote the rendered text.</summary>
internal static class HtmlReader
{
    private const int MaxDepth = 256;

    public static StructuredText Read(string html)
    {
        using IDocument document = new HtmlParser().ParseDocument(html);
        var writer = new Writer();
        writer.Visit((INode?)document.Body ?? document, 0);
        writer.EndBlock();
        string title = document.Title?.Trim() ?? "";
        return new StructuredText(writer.Text, title, writer.Blocks);
    }

    private sealed class Writer
    {
        private readonly System.Text.StringBuilder _text = new();
        private readonly string[] _path = new string[6];
        private int _blockStart = -1;
        private bool _pendingSpace;

        public List<TextBlock> Blocks { get; } = [];

        public string Text => _text.ToString();

        public void Visit(INode node, int depth)
        {
            foreach (INode child in node.ChildNodes)
            {
                if (child is IText text)
                {
                    Append(text.Data);
                }
                else if (child is IElement element && depth < MaxDepth)
                {
                    Element(element, depth);
                }
            }
        }

        public void EndBlock()
        {
            if (_blockStart >= 0)
            {
                Blocks.Add(new TextBlock(_blockStart, _text.Length, string.Join(TextBlock.Separator, _path.Where(p => !string.IsNullOrEmpty(p)))));
                _text.Append("\n\n");
                _blockStart = -1;
            }

            _pendingSpace = false;
        }

        private void Element(IElement element, int depth)
        {
            switch (element.LocalName)
            {
                case "script" or "style" or "template" or "noscript" or "svg" or "head" or "iframe" or "object":
                    return;
                case "h1" or "h2" or "h3" or "h4" or "h5" or "h6":
                    EndBlock();
                    int level = element.LocalName[1] - '0';
                    _path[level - 1] = string.Join(' ', element.TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
                    Array.Clear(_path, level, 6 - level);
                    return;
                case "br":
                    _pendingSpace = true;
                    return;
                case "p" or "div" or "section" or "article" or "main" or "header" or "footer" or "nav" or "aside" or "ul" or "ol" or "li"
                    or "table" or "tr" or "blockquote" or "pre" or "dl" or "dt" or "dd" or "figure" or "figcaption" or "form" or "hr":
                    EndBlock();
                    Visit(element, depth + 1);
                    EndBlock();
                    return;
                case "td" or "th":
                    _pendingSpace = true;
                    Visit(element, depth + 1);
                    _pendingSpace = true;
                    return;
                default:
                    Visit(element, depth + 1);
                    return;
            }
        }

        private void Append(string data)
        {
            foreach (char c in data)
            {
                if (char.IsWhiteSpace(c))
                {
                    _pendingSpace = true;
                    continue;
                }

                if (_blockStart < 0)
                {
                    _blockStart = _text.Length;
                }
                else if (_pendingSpace)
                {
                    _text.Append(' ');
                }

                _pendingSpace = false;
                _text.Append(c);
            }
        }
    }
}
