using Markdig;
using Markdig.Extensions.Yaml;
using Markdig.Parsers;
using Markdig.Syntax;

namespace Coach.Rag.Documents;

/// <summary>
/// Finds the headings and blocks of a Markdown text. Only blocks are parsed: inline markup needs no understanding here.
/// </summary>
internal static class MarkdownReader
{
    private const int MaxHeadingLength = 200;

    private static readonly MarkdownPipeline Pipeline = CreatePipeline();

    public static StructuredText Read(string text)
    {
        MarkdownDocument document;
        try
        {
            document = Markdown.Parse(text, Pipeline);
        }
        catch (ArgumentException)
        {
            return PlainTextReader.Read(text);      // nested too deep for the parser
        }

        var blocks = new List<TextBlock>();
        var path = new string[6];
        string title = "";
        HeadingBlock? bare = null;      // a heading without text so far
        foreach (Block block in document)
        {
            switch (block)
            {
                case HeadingBlock heading:
                    string name = Plain(Slice(text, heading.Span).TrimStart('#').TrimEnd('#').Trim());
                    if (name.Length == 0)
                    {
                        break;
                    }

                    AddBare(text, bare, heading.Level, path, blocks);
                    title = title.Length == 0 && heading.Level == 1 ? name : title;
                    int level = Math.Clamp(heading.Level, 1, 6);
                    path[level - 1] = name;
                    Array.Clear(path, level, 6 - level);
                    bare = heading;
                    break;
                case YamlFrontMatterBlock front:
                    title = FrontTitle(text, front.Span);
                    break;
                case LinkReferenceDefinitionGroup or ThematicBreakBlock:
                    break;
                default:
                    Add(text, block, PathOf(path), blocks);
                    bare = null;
                    break;
            }
        }

        AddBare(text, bare, 1, path, blocks);
        return new StructuredText(text, title, blocks);
    }

    private static string PathOf(ReadOnlySpan<string> path) => TextBlock.Path(path);

    // A heading without text of its own and without parts is found as a passage; others are found with the
    // text below them.
    private static void AddBare(
        string text, HeadingBlock? heading, int nextLevel, string[] path, List<TextBlock> blocks)
    {
        if (heading is not null && nextLevel <= heading.Level)
        {
            AddRange(text, heading.Span, PathOf(path.AsSpan(0, Math.Clamp(heading.Level, 1, path.Length) - 1)), blocks);
        }
    }

    // "title: …" of the front matter: plain or quoted, on one line.
    private static string FrontTitle(string text, SourceSpan span)
    {
        int start = Math.Clamp(span.Start, 0, text.Length);
        int end = Math.Clamp(span.End + 1, start, text.Length);
        foreach (ReadOnlySpan<char> line in text.AsSpan(start, end - start).EnumerateLines())
        {
            if (line.StartsWith("title:", StringComparison.OrdinalIgnoreCase))
            {
                ReadOnlySpan<char> value = line["title:".Length..].Trim();
                value = value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0]
                    ? value[1..^1].Trim()
                    : value;
                return value.IsEmpty || value[0] is '|' or '>' or '[' or '{' ? "" : Plain(value);
            }
        }

        return "";
    }

    private static MarkdownPipeline CreatePipeline()
    {
        var builder = new MarkdownPipelineBuilder().UseYamlFrontMatter();
        builder.InlineParsers.Clear();
        builder.InlineParsers.Add(new Markdig.Parsers.Inlines.LineBreakInlineParser());
        return builder.Build();
    }

    // Long containers (lists, quotes) are given item by item, so that chunks end between items.
    private static void Add(string text, Block block, string heading, List<TextBlock> blocks)
    {
        if (block is ListBlock list)
        {
            foreach (Block item in list)
            {
                AddRange(text, item.Span, heading, blocks);
            }

            return;
        }

        AddRange(text, block.Span, heading, blocks);
    }

    private static void AddRange(string text, SourceSpan span, string heading, List<TextBlock> blocks)
    {
        int start = Math.Clamp(span.Start, 0, text.Length);
        int end = Math.Clamp(span.End + 1, start, text.Length);
        if (blocks.Count > 0 && start < blocks[^1].End)
        {
            start = Math.Min(end, blocks[^1].End);
        }

        if (!text.AsSpan(start, end - start).IsWhiteSpace())
        {
            blocks.Add(new TextBlock(start, end, heading));
        }
    }

    private static ReadOnlySpan<char> Slice(string text, SourceSpan span)
    {
        int start = Math.Clamp(span.Start, 0, text.Length);
        int end = Math.Clamp(span.End + 1, start, text.Length);
        ReadOnlySpan<char> slice = text.AsSpan(start, end - start);
        int line = slice.IndexOf('\n');
        return line < 0 ? slice : slice[..line];        // the underline of a setext heading is not its name
    }

    /// <summary>A heading without code marks, emphasis and link targets.</summary>
    private static string Plain(ReadOnlySpan<char> heading)
    {
        var plain = new System.Text.StringBuilder(Math.Min(heading.Length, MaxHeadingLength));
        for (int i = 0; i < heading.Length && plain.Length < MaxHeadingLength; i++)
        {
            char c = heading[i];
            if (c is '`' or '*' or '[' or '\u001F' or '\r')
            {
                continue;
            }

            if (c == ']')
            {
                int close = i + 1 < heading.Length && heading[i + 1] == '(' ? heading[i..].IndexOf(')') : -1;
                i = close < 0 ? i : i + close;
                continue;
            }

            plain.Append(c);
        }

        return plain.ToString().Trim();
    }
}
