using System.Text;
using System.Text.Json;
using Coach.Llm.Json;

namespace Coach.Llm.Tests;

public sealed class LenientJsonTests
{
    [Theory]
    [InlineData("\"a\"", "a")]
    [InlineData("\"\\ud83d\\ude00\"", "😀")]
    [InlineData("\"x\\ud83d\"", "x<high>")]
    [InlineData("\"\\ude00y\\u0041\\n\\\"\"", "<low>yA\n\"")]
    [InlineData("\"é\\ud83dö\"", "é<high>ö")]
    [InlineData("null", null)]
    [InlineData("5", null)]
    [InlineData("{\"a\":[1]}", null)]
    public void Text_AnyValue_IsTheStringOrNothing(string json, string? expected)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes("{\"v\":" + json + ",\"after\":1}"));
        reader.Read();
        reader.Read();
        Assert.Equal(Halves(expected), LenientJson.Text(ref reader));
        Assert.True(reader.Read() && reader.ValueTextEquals("after"u8)); // it stands behind the value

        using JsonDocument document = JsonDocument.Parse("{\"v\":" + json + "}");
        Assert.Equal(Halves(expected), LenientJson.Text(document.RootElement.GetProperty("v")));
    }

    [Fact]
    public void Text_NoUtf8_Throws()
    {
        byte[] json = [.. "{\"v\":\"\\ud83d"u8, 0xFF, .. "\"}"u8];
        Assert.ThrowsAny<JsonException>(() =>
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            reader.Read();
            LenientJson.Text(ref reader);
        });
    }

    [Theory]
    [InlineData(new[] { "a", "b" }, "ab")]
    [InlineData(new[] { "a<high>", "<low>b" }, "a😀b")]
    [InlineData(new[] { "a<high>", "", "<low>b" }, "a😀b")]
    [InlineData(new[] { "<high>", "<high>", "<low>" }, "\uFFFD😀")]
    [InlineData(new[] { "<low>", "x<high>y" }, "\uFFFDx\uFFFDy")]
    public void Join_Pieces_GiveWholeCharacters(string[] pieces, string expected)
    {
        char half = '\0';
        string text = "";
        foreach (string piece in pieces)
        {
            text += LenientJson.Join(ref half, Halves(piece)!);
        }

        Assert.Equal((expected, '\0'), (text, half));
    }

    [Theory]
    [InlineData("null", false)]
    [InlineData("false", false)]
    [InlineData("0", false)]
    [InlineData("\"\"", false)]
    [InlineData("[]", false)]
    [InlineData("{}", false)]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("\"x\"", true)]
    [InlineData("[0]", true)]
    [InlineData("{\"a\":null}", true)]
    public void SaysSomething_EveryKindOfValue_IsEmptyOrNot(string json, bool expected)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        Assert.Equal(expected, LenientJson.SaysSomething(reader));
    }

    // Attributes cannot hold half a surrogate pair.
    private static string? Halves(string? text) =>
        text?.Replace("<high>", "\uD83D", StringComparison.Ordinal).Replace("<low>", "\uDE00", StringComparison.Ordinal);
}
