using System.IO.Compression;
using System.Xml.Linq;
using Coach.Rag.Documents.Containers;

namespace Coach.Rag.Documents.Office;

/// <summary>
/// An Office file of which parts are missing or damaged that its text does not need, such as a chain of calculations:
/// without what refers to them, it opens.
/// </summary>
internal static class OfficeRepair
{
    private const string Relationships = ".rels";

    // Of parts that are read, by the end of their type.
    private static readonly string[] Needed =
        ["/officeDocument", "/core-properties", "/worksheet", "/sharedStrings", "/styles", "/footnotes", "/endnotes",
            "/slide", "/notesSlide", "/chart"];

    /// <summary>Whether text can be read without a part.</summary>
    public static bool IsExpendable(string name)
    {
        string file = name[(name.LastIndexOf('/') + 1)..];
        bool isNeeded = name.EndsWith(Relationships, StringComparison.OrdinalIgnoreCase)
            || name.Equals("[Content_Types].xml", StringComparison.OrdinalIgnoreCase)
            || name.Contains("/worksheets/", StringComparison.OrdinalIgnoreCase)
            || name.Contains("/slides/", StringComparison.OrdinalIgnoreCase)
            || file.StartsWith("document", StringComparison.OrdinalIgnoreCase)
            || file.StartsWith("workbook", StringComparison.OrdinalIgnoreCase)
            || file.StartsWith("presentation", StringComparison.OrdinalIgnoreCase);
        return !isNeeded;
    }

    /// <summary>Makes the file anew where it refers to what is not there.</summary>
    /// <param name="file">The file.</param>
    /// <param name="damaged">Parts that are there and cannot be read.</param>
    /// <param name="isBare">Whether nothing is kept but what text is read from.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The file's XML without the rest; null when nothing is wrong.</returns>
    public static Stream? Run(DocumentFile file, IReadOnlySet<string> damaged, bool isBare,
        CancellationToken cancellationToken)
    {
        using SafeZip zip = SafeZip.Open(file);
        var changed = new Dictionary<string, XDocument>(StringComparer.OrdinalIgnoreCase);
        foreach (string name in zip.Names.Where(IsRelationships))
        {
            XDocument relationships = zip.ReadXml(name, cancellationToken)!;
            XElement[] dangling = [.. relationships.Root!.Elements().Where(each => IsDangling(each, name))];
            if (dangling.Length > 0)
            {
                Array.ForEach(dangling, each => each.Remove());
                changed.Add(name, relationships);
            }
        }

        return changed.Count == 0 && !zip.HasOddNames ? null : Write(zip, damaged, changed, cancellationToken);

        bool IsDangling(XElement relationship, string name)
        {
            string target = relationship.Attribute("Target")?.Value ?? "";
            bool isOutside = relationship.Attribute("TargetMode")?.Value is "External" or "external";
            if (isOutside || target.StartsWith('#'))
            {
                return isOutside && !Uri.TryCreate(target, UriKind.RelativeOrAbsolute, out _);
            }

            string type = relationship.Attribute("Type")?.Value ?? "";
            string part = PartOf(name, target);
            return !zip.Contains(part) || damaged.Contains(part)
                || (isBare && !Array.Exists(Needed, each => type.EndsWith(each, StringComparison.Ordinal)));
        }
    }

    private static bool IsRelationships(string name) =>
        name.EndsWith(Relationships, StringComparison.OrdinalIgnoreCase);

    private static MemoryStream Write(
        SafeZip zip, IReadOnlySet<string> damaged, Dictionary<string, XDocument> changed,
        CancellationToken cancellationToken)
    {
        var stream = new MemoryStream();
        using (var copy = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (string name in zip.Names.Where(name => !damaged.Contains(name)))
            {
                using Stream entry = copy.CreateEntry(name, CompressionLevel.Fastest).Open();
                if (changed.TryGetValue(name, out XDocument? relationships))
                {
                    relationships.Save(entry);
                }
                else if (zip.Read(name, cancellationToken) is { } bytes)
                {
                    entry.Write(bytes);
                }
            }
        }

        stream.Position = 0;
        return stream;
    }

    // The part that a relationship of another part leads to.
    private static string PartOf(string relationships, string target)
    {
        int folder = relationships.LastIndexOf("_rels/", StringComparison.OrdinalIgnoreCase);
        string path = target.StartsWith('/') ? target : relationships[..Math.Max(0, folder)] + target;
        var parts = new List<string>();
        foreach (string part in Uri.UnescapeDataString(path).Split('/'))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("" or "." or ".."))
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }
}
