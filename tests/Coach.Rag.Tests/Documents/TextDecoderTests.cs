using System.Text;
using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Documents;

public sealed class TextDecoderTests
{
    private const string Japanese = "これは日本語の文章です。漢字とひらがなとカタカナが混ざっています。動物園でカンガルーを見ました。";
    private const string Russian = "Это русский текст, в котором рассказывается о возврате денег и о доставке заказов по почте.";
    private const string Czech = "Příliš žluťoučký kůň úpěl ďábelské ódy a všechno se vrátilo na začátek příběhu.";

    static TextDecoderTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    public void Decode_ByteOrderMark_Decides(string name)
    {
        Encoding encoding = Encoding.GetEncoding(name);
        Assert.Equal("Tee für “alle”", TextDecoder.Decode([.. encoding.GetPreamble(), .. encoding.GetBytes("Tee für “alle”")], ".txt", out string? note));
        Assert.Null(note);
    }

    [Theory]
    [InlineData("<html><head><meta charset=shift_jis></head>", "shift_jis", Japanese, ".html")]
    [InlineData("<html><META HTTP-EQUIV=\"content-type\" CONTENT=\"text/html; charset=EUC-JP\">", "euc-jp", Japanese, ".html")]
    [InlineData("<meta charset='windows-1251'>", "windows-1251", Russian, ".htm")]
    [InlineData("<?xml version=\"1.0\" encoding=\"koi8-r\"?>", "koi8-r", Russian, ".xhtml")]
    [InlineData("# -*- coding: iso-8859-2 -*-\n", "iso-8859-2", Czech, ".txt")]
    [InlineData("= Titul\n:encoding: windows-1250\n", "windows-1250", Czech, ".adoc")]
    [InlineData("<meta charset=\"iso-8859-1\">", "windows-1252", "Café “quoted” – 5 €", ".html")]
    [InlineData("<meta charset=iso-2022-jp>", "iso-2022-jp", Japanese, ".html")]
    public void Decode_Declaration_Decides(string head, string name, string text, string extension)
    {
        byte[] bytes = Encoding.GetEncoding(name).GetBytes(head + text);
        Assert.Equal(head + text, TextDecoder.Decode(bytes, extension, out string? note));
        Assert.Null(note);
    }

    [Theory]
    [InlineData("windows-1252", "The “quoted” price – 5 € – is café’s own.")]
    [InlineData("shift_jis", Japanese)]
    [InlineData("euc-jp", Japanese)]
    [InlineData("windows-1251", Russian)]
    [InlineData("koi8-r", Russian)]
    [InlineData("gb18030", "这是一段中文文字，其中讲述了退款需要多长时间以及如何联系客户服务部门。动物园里有一只袋鼠。")]
    [InlineData("big5", "這是一段中文文字，其中講述了退款需要多長時間以及如何聯繫客戶服務部門。動物園裡有一隻袋鼠。")]
    [InlineData("euc-kr", "이것은 한국어 문장입니다. 환불에 걸리는 시간과 고객 서비스 부서에 연락하는 방법을 설명합니다.")]
    public void Decode_NoDeclaration_IsDetectedAndNamed(string name, string text)
    {
        Assert.Equal(text, TextDecoder.Decode(Encoding.GetEncoding(name).GetBytes(text), ".txt", out string? note));
        Assert.Contains("declares no encoding and is not UTF-8; read as ", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Straße für alle, x")]
    [InlineData("東京都と大阪府、x")]
    public void Decode_OneBadByteInUtf8_CostsOneCharacter(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (byte bad = 0x80; bad is >= 0x80 and < 0xFF; bad += 0x1F)
        {
            string decoded = TextDecoder.Decode([.. bytes, bad, .. bytes], ".md", out string? note);
            Assert.Equal(text + "\uFFFD" + text, decoded);
            Assert.Equal("is UTF-8 but for 1 byte(s); each became a replacement character", note);
        }
    }

    [Fact]
    public void Decode_OneBadByteInAscii_CostsOneCharacter()
    {
        string decoded = TextDecoder.Decode([.. "Caf"u8, 0xE9, .. " au lait"u8], ".txt", out string? note);
        Assert.Equal("Café au lait", decoded);
        Assert.Equal("declares no encoding and is not UTF-8; read as windows-1252", note);
    }

    [Fact]
    public void Decode_Utf16WithoutMark_IsDetected()
    {
        Assert.Equal("Plain words in two bytes each.", TextDecoder.Decode(Encoding.Unicode.GetBytes("Plain words in two bytes each."), ".txt", out string? note));
        Assert.Contains("utf-16", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<meta charset=windows-1252>", "déjà vu, très joli, à côté")]
    [InlineData("<meta charset=utf-16>", "déjà vu")]
    [InlineData("<meta charset=no-such-thing>", "déjà vu")]
    [InlineData("<meta charset=utf-7>", "+ADw-script+AD4-")]
    public void Decode_WrongDeclarationOfUtf8_IsReadAsUtf8(string head, string text) =>
        Assert.Equal(head + text, TextDecoder.Decode(Encoding.UTF8.GetBytes(head + text), ".html", out _));

    [Fact]
    public void Decode_Noise_IsRefused()
    {
        var noise = new byte[10_000];
        new Random(3).NextBytes(noise);
        Assert.Equal(DocumentRefusal.Binary, Assert.Throws<RagException>(() => TextDecoder.Decode(noise, ".txt", out _)).Refusal);
    }

    [Fact]
    public void Decode_AnyBytes_NeverThrowsAnythingElse()
    {
        var random = new Random(5);
        for (int round = 0; round < 500; round++)
        {
            var bytes = new byte[random.Next(0, 300)];
            random.NextBytes(bytes);
            if (round % 2 == 0)
            {
                bytes = [.. bytes.Select(b => b == 0 ? (byte)'a' : (byte)(b & (round % 4 == 0 ? 0x7F : 0xFF)))];
            }

            try
            {
                _ = TextDecoder.Decode(bytes, round % 3 == 0 ? ".html" : ".txt", out _);
            }
            catch (RagException e)
            {
                Assert.Equal(DocumentRefusal.Binary, e.Refusal);
            }
        }
    }
}
