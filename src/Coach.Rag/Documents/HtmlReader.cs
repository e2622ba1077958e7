using AngleSharp.Html;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens.Struct;
using AngleSharp.Text;

namespace Coach.Rag.Documents;

/// <summary>
/// Renders HTML to plain text with headings, and remembers where each character is in the markup. It reads
/// AngleSharp's tokens one after the other and builds no tree: nesting costs nothing, and the text keeps the order of
/// the markup.
/// </summary>
internal sealed class HtmlReader : IDocumentReader
{
    // The content of these is not shown.
    private static readonly string[] Skipped = ["script", "style", "template", "noscript", "svg", "math", "iframe"];

    public string Name => "html";

    public DocumentMatch Match(DocumentFile file)
    {
        if (IsHtml(file.HeadText()))
        {
            return DocumentMatch.Content;
        }

        return file.HasExtension(".html", ".htm", ".xhtml", ".xht", ".shtml")
            || file.MediaType is "text/html" or "application/xhtml+xml" ? DocumentMatch.Name : DocumentMatch.None;
    }

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = file.ReadText(out string? note);
        StructuredText structure = Read(DocumentReader.WithoutLoneSurrogates(text), cancellationToken);
        return ValueTask.FromResult(structure with { Notes = DocumentReader.Notes(note) });
    }

    public static StructuredText Read(string html, CancellationToken cancellationToken = default)
    {
        var tokenizer = new HtmlTokenizer(new TextSource(html), HtmlEntityProvider.Resolver)
        {
            IsNotConsumingCharacterReferences = true,
        };
        var writer = new HtmlTextWriter(html);
        string? skipping = null;
        int depth = 0;
        int textStart = -1;
        int tokens = 0;
        while (true)
        {
            if ((++tokens & 0x3FF) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            StructHtmlToken token = tokenizer.GetStructToken();
            int at = Math.Clamp(token.Position.Index, 0, html.Length);
            bool isEnd = token.Type == HtmlTokenType.EndOfFile;

            // Text reaches from its token to the next one; its own data has lost the carriage returns.
            if (textStart >= 0 && skipping is null)
            {
                writer.Text(textStart, isEnd ? EndOfText(html, textStart) : at);
            }

            textStart = token.Type == HtmlTokenType.Character ? at : -1;
            if (isEnd)
            {
                return writer.End();
            }

            if (token.Type is not (HtmlTokenType.StartTag or HtmlTokenType.EndTag))
            {
                continue;
            }

            string name = token.Name.ToString();
            bool isStart = token.Type == HtmlTokenType.StartTag;
            if (skipping is not null)
            {
                if (name == skipping && !(isStart && token.IsSelfClosing))
                {
                    depth += isStart ? 1 : -1;
                }

                skipping = depth <= 0 ? null : skipping;
            }
            else if (isStart && Array.IndexOf(Skipped, name) >= 0)
            {
                if (token.IsSelfClosing && name is "svg" or "math")
                {
                    continue;       // foreign elements can close themselves
                }

                (skipping, depth) = (name, 1);
            }
            else if (name == "meta")
            {
                AddMetadata(token, writer);
            }
            else
            {
                writer.Tag(name, isStart, at);
            }

            if (isStart)
            {
                // What the tree builder would tell the tokenizer.
                tokenizer.State = name switch
                {
                    "script" => HtmlParseMode.Script,
                    "style" or "iframe" or "noembed" or "noframes" or "xmp" => HtmlParseMode.Rawtext,
                    "title" or "textarea" => HtmlParseMode.RCData,
                    "plaintext" => HtmlParseMode.Plaintext,
                    _ => tokenizer.State,
                };
            }
        }
    }

    private static bool IsHtml(string head)
    {
        ReadOnlySpan<char> start = head;
        while (start.StartsWith("<!--") || start.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase))
        {
            string close = start.StartsWith("<!--") ? "-->" : "?>";
            int end = start.IndexOf(close, StringComparison.Ordinal);
            if (end < 0)
            {
                return false;
            }

            start = start[(end + close.Length)..].TrimStart();
        }

        return start.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || (start.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
                && start.Length > 5 && (start[5] == '>' || char.IsWhiteSpace(start[5])));
    }

    private static void AddMetadata(StructHtmlToken token, HtmlTextWriter writer)
    {
        string name = "";
        string content = "";
        for (int i = 0; i < token.Attributes.Count; i++)
        {
            switch (token.Attributes[i].Name.ToString().ToLowerInvariant())
            {
                case "name" or "property":
                    name = token.Attributes[i].Value.ToString();
                    break;
                case "content":
                    content = token.Attributes[i].Value.ToString();
                    break;
            }
        }

        writer.Meta(name, content);
    }

    // A tag that the document ends in the middle of is none, and no text either.
    private static int EndOfText(string html, int start)
    {
        for (int i = html.IndexOf('<', start); i >= 0 && i + 1 < html.Length; i = html.IndexOf('<', i + 1))
        {
            int name = html[i + 1] == '/' ? i + 2 : i + 1;
            if (name < html.Length && char.IsAsciiLetter(html[name]))
            {
                return i;
            }
        }

        return html.Length;
    }
}
