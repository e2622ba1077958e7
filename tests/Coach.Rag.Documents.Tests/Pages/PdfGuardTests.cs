using System.Globalization;
using Coach.Rag.Documents.Pages;

namespace Coach.Rag.Documents.Tests.Pages;

/// <summary>What overflows a stack takes the process with it: these end the test run if they are not found.</summary>
public sealed class PdfGuardTests
{
    [Theory]
    [InlineData("/A Do", "/B Do", "/A Do")]
    [InlineData("q 1 0 0 1 0 0 cm /A\nDo Q", "/#42 Do", "/A Do")]
    [InlineData("/A Do", "/A Do", "")]
    public async Task ReadAsync_DrawingsThatShowOneAnother_CostTheirPageOnly(string page, string first, string second)
    {
        StructuredText text = await Files.ReadAsync("a.pdf", Pdf(page, first, second));
        Assert.Equal("2||Paragraph: The wombat digs.", Assert.Single(Files.Show(text)));
        Assert.Contains("1 page(s) are damaged", Assert.Single(text.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_DrawingsThatMultiply_CostTheirPageOnly()
    {
        string many = string.Concat(Enumerable.Repeat("/B Do ", 200));
        string more = string.Concat(Enumerable.Repeat("/C Do ", 200));
        StructuredText text = await Files.ReadAsync("a.pdf", Pdf("/A Do", many, more));
        Assert.Equal("2||Paragraph: The wombat digs.", Assert.Single(Files.Show(text)));
    }

    [Fact]
    public async Task ReadAsync_DrawingWithinADrawing_IsRead()
    {
        StructuredText text = await Files.ReadAsync("a.pdf", Pdf("/A Do", "/B Do", "BT /F 12 Tf 50 700 Td (The quokka smiles.) Tj ET"));
        Assert.Equal(["1||Paragraph: The quokka smiles.", "2||Paragraph: The wombat digs."], Files.Show(text));
        Assert.Empty(text.Notes);
    }

    [Theory]
    [InlineData("[1 2 166666666666666666666666666]")]
    [InlineData("[1 90000000 1]")]
    [InlineData("[ 1 -2 1 ]")]
    public async Task ReadAsync_CrossReferencesWithImpossibleColumns_AreRefused(string columns)
    {
        string file = $"%PDF-1.5\n1 0 obj\n<</Type/XRef/Size 3/Root 2 0 R/Length 5/W {columns}>>stream\nabcde\nendstream\nendobj\nstartxref\n9\n%%EOF\n";
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync("a.pdf", Files.Bytes(file)));
    }

    [Fact]
    public async Task ReadAsync_BracketsInAnAttachedFile_AreNoNesting()
    {
        string attached = new('[', 20_000);
        byte[] file = Pdf("", "", "", $"<</Type/EmbeddedFile/Length {attached.Length.ToString(CultureInfo.InvariantCulture)}>>\nstream\n{attached}\nendstream");
        Assert.Equal("2||Paragraph: The wombat digs.", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", file))));
    }

    [Theory]
    [InlineData("pro\u001Ct, di\u001Berence, o\u001Ece", "profit, difference, office")]
    [InlineData("di\uFB00erence \u0010here\u0011 1\u00152", "difference “here” 1–2")]
    [InlineData("a\u0004b\0c", "abc")]
    [InlineData("as it is", "as it is")]
    public void Plain_LettersBelowTheSpace_AreWhatTheyShow(string text, string expected) =>
        Assert.Equal(expected, PdfReader.Plain(text));

    // Two pages: one shows drawings, the other words.
    private static byte[] Pdf(string page, string first, string second, string? other = null)
    {
        string resources = "<</Font<</F 3 0 R>>/XObject<</A 8 0 R/B 9 0 R/C 10 0 R>>>>";
        string[] objects =
        [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[4 0 R 5 0 R]/Count 2/MediaBox[0 0 600 800]>>",
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            $"<</Type/Page/Parent 2 0 R/Contents 6 0 R/Resources{resources}>>",
            "<</Type/Page/Parent 2 0 R/Contents 7 0 R/Resources<</Font<</F 3 0 R>>>>>>",
            Stream("", page),
            Stream("", "BT /F 12 Tf 50 700 Td (The wombat digs.) Tj ET"),
            Stream($"/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources{resources}", first),
            Stream($"/Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources{resources}", second),
            Stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]", ""),
            .. other is null ? Array.Empty<string>() : [other],
        ];
        return RawPdf.Of(objects);
    }

    private static string Stream(string dictionary, string content) => RawPdf.Stream(dictionary, content);
}
