using System.Text.RegularExpressions;

namespace Coach.Rag.Documents;

/// <summary>
/// Finds the headings and blocks of a Markdown text in one pass over its lines, and leaves out what is markup of a
/// documentation tool rather than text. It costs the same for every line whatever stands in it
/// (docs/decisions/0206): nesting and link references cannot make it slow.
/// </summary>
internal sealed class MarkdownReader(IReadOnlyCollection<string>? patterns = null) : IDocumentReader
{
    private readonly Regex[] _patterns =
        [.. (patterns ?? [])
            .Select(pattern => new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant))];

    public string Name => _patterns.Length == 0 ? "markdown" : "markdown:"
        + string.Join(':', _patterns.Select(each => each.ToString()));

    public DocumentMatch Match(DocumentFile file) =>
        file.HasExtension(".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")
            || file.MediaType is "text/markdown" or "text/x-markdown"
            ? DocumentMatch.Name : DocumentMatch.None;

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string text = DocumentReader.WithoutLoneSurrogates(file.ReadText(out string? note));
        var scanner = new MarkdownScanner(text, file.Extension == ".mdx", _patterns);
        return ValueTask.FromResult(scanner.Run(cancellationToken) with { Notes = DocumentReader.Notes(note) });
    }

    public static StructuredText Read(string text) => new MarkdownScanner(text, isMdx: false, [])
        .Run(CancellationToken.None);
}
