using System.Globalization;
using System.Text;

namespace Coach.Rag.Documents.Tests.Pages;

/// <summary>PDF files of objects that are written by hand.</summary>
internal static class RawPdf
{
    /// <summary>A file of objects, the first of which is the catalog.</summary>
    public static byte[] Of(params string[] objects)
    {
        var file = new StringBuilder("%PDF-1.4\n");
        var offsets = new List<int>();
        for (int i = 0; i < objects.Length; i++)
        {
            offsets.Add(file.Length);
            file.Append(CultureInfo.InvariantCulture, $"{i + 1} 0 obj\n{objects[i]}\nendobj\n");
        }

        int start = file.Length;
        file.Append(CultureInfo.InvariantCulture, $"xref\n0 {objects.Length + 1}\n0000000000 65535 f \n");
        foreach (int offset in offsets)
        {
            file.Append(CultureInfo.InvariantCulture, $"{offset:D10} 00000 n \n");
        }

        file.Append(CultureInfo.InvariantCulture, $"trailer\n<</Size {objects.Length + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
        return Encoding.Latin1.GetBytes(file.ToString());
    }

    /// <summary>A page of drawing commands, and what else the page and the catalog say.</summary>
    public static byte[] Page(string content, string page = "", string catalog = "", params string[] others) => Of(
    [
        $"<</Type/Catalog/Pages 2 0 R{catalog}>>",
        "<</Type/Pages/Kids[4 0 R]/Count 1/MediaBox[0 0 600 800]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        $"<</Type/Page/Parent 2 0 R/Contents 5 0 R/Resources<</Font<</F 3 0 R>>>>{page}>>",
        Stream("", content),
        .. others,
    ]);

    public static string Stream(string dictionary, string content) =>
        $"<<{dictionary}/Length {content.Length.ToString(CultureInfo.InvariantCulture)}>>\nstream\n{content}\nendstream";
}
