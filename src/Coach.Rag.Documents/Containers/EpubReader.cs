using System.Xml.Linq;

namespace Coach.Rag.Documents.Containers;

/// <summary>Reads EPUB books: the chapters in the order of the spine.</summary>
internal sealed class EpubReader : IDocumentReader
{
    public string Name => "epub/2";

    public DocumentMatch Match(DocumentFile file) =>
        SafeZip.IsZip(file.Head) && (file.HasExtension(".epub") || file.Head.IndexOf("application/epub+zip"u8) >= 0)
            ? DocumentMatch.Content
            : file.HasExtension(".epub") || file.MediaType == "application/epub+zip" ? DocumentMatch.Name
                : DocumentMatch.None;

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        using SafeZip zip = SafeZip.Open(file);
        string path = zip.ReadXml("META-INF/container.xml", cancellationToken)?.Descendants()
            .FirstOrDefault(element => element.Name.LocalName == "rootfile")?.Attribute("full-path")?.Value ?? "";
        XDocument package = zip.ReadXml(path, cancellationToken)
            ?? throw RagException.DocumentRefused(DocumentRefusal.Damaged,
                "is a damaged EPUB: it has no package document");
        if (zip.Contains("META-INF/encryption.xml") && zip.Contains("META-INF/rights.xml"))
        {
            throw RagException.DocumentRefused(DocumentRefusal.Encrypted,
                "is a protected EPUB; use a copy without protection");
        }

        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        foreach (XElement element in package.Descendants()
            .Where(element => element.Parent?.Name.LocalName == "metadata" && !element.HasElements))
        {
            switch (element.Name.LocalName)
            {
                case "title" when builder.Title.Length == 0:
                    builder.Title = element.Value.Trim();
                    break;
                case "creator" or "language" or "publisher" or "date" or "subject" or "description":
                    builder.AddMetadata(element.Name.LocalName == "creator" ? "author" : element.Name.LocalName,
                        element.Value);
                    break;
            }
        }

        await AddChaptersAsync(zip, package, path, file, builder, cancellationToken).ConfigureAwait(false);
        return builder.Build();
    }

    private static async ValueTask AddChaptersAsync(
        SafeZip zip, XDocument package, string path, DocumentFile file, StructuredTextBuilder builder,
            CancellationToken cancellationToken)
    {
        string folder = path.Contains('/', StringComparison.Ordinal) ? path[..(path.LastIndexOf('/') + 1)] : "";
        Dictionary<string, string> items = [];
        foreach (XElement item in package.Descendants().Where(element => element.Name.LocalName == "item"))
        {
            items.TryAdd(item.Attribute("id")?.Value ?? "", item.Attribute("href")?.Value ?? "");
        }

        int left = 0;
        foreach (XElement chapter in package.Descendants().Where(element => element.Name.LocalName == "itemref"))
        {
            if (items.TryGetValue(chapter.Attribute("idref")?.Value ?? "", out string? name)
                && zip.Read(folder + Uri.UnescapeDataString(name), cancellationToken) is { } bytes
                && !await TryAddAsync(bytes, file, builder, cancellationToken).ConfigureAwait(false))
            {
                left++;
            }
        }

        if (left > 0)
        {
            builder.AddNote($"is an EPUB of which {left} chapter(s) are pictures or damaged and were left out");
        }
    }

    private static async ValueTask<bool> TryAddAsync(
        byte[] bytes, DocumentFile file, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        try
        {
            var part = new DocumentFile("chapter.html", bytes, file.Limits);
            StructuredText text = await TextDocumentReaders.All[0].ReadAsync(part, cancellationToken)
                .ConfigureAwait(false);
            builder.ClearHeadings();
            builder.AddBlocksOf(text with { Metadata = new Dictionary<string, string>() });
            return true;
        }
        catch (RagException e) when (e.Refusal == DocumentRefusal.Binary)
        {
            return false;
        }
    }
}
