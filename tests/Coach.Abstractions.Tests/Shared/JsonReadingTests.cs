using System.Text;
using System.Text.Json;

namespace Coach.Abstractions.Tests.Shared;

public class JsonReadingTests
{
    private const string Half = "\\ud800";

    private static readonly JsonElement Json = JsonDocument.Parse(
        $$"""{"text":"a","none":null,"whole":7,"part":1.5,"huge":1e99,"yes":true,"no":false,"inner":{"text":"b"},"list":[1,2],"half":"{{Half}}"}""")
        .RootElement;

    [Fact]
    public void Members_OfTheExpectedKind_AreRead()
    {
        Assert.Equal("a", Json.Text("text"));
        Assert.Equal(7, Json.Number("whole"));
        Assert.Equal(1.5, Json.Real("part"));
        Assert.Equal(7.0, Json.Real("whole"));
        Assert.True(Json.Flag("yes"));
        Assert.False(Json.Flag("no"));
        Assert.Equal("b", Json.Object("inner")?.Text("text"));
        Assert.Equal(2, Json.Items("list")!.Count());
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("none")]
    [InlineData("half")]
    public void Members_ThatAreNotThere_AreNull(string name)
    {
        Assert.Null(Json.Text(name));
        Assert.Null(Json.Number(name));
        Assert.Null(Json.Real(name));
        Assert.Null(Json.Flag(name));
        Assert.Null(Json.Object(name));
        Assert.Null(Json.Items(name));
        Assert.Equal(name == "half", Json.Member(name) is not null);
    }

    [Fact]
    public void Members_OfAnotherKind_AreNull()
    {
        Assert.Null(Json.Text("whole"));
        Assert.Null(Json.Number("part"));
        Assert.Null(Json.Number("huge"));
        Assert.Null(Json.Number("text"));
        Assert.Null(Json.Flag("text"));
        Assert.Null(Json.Object("list"));
        Assert.Null(Json.Items("inner"));
        Assert.Null(Json.Items("list")!.First().Text("text"));
        Assert.Null(default(JsonElement).Text("text"));
    }

    [Fact]
    public void Member_BesideADamagedName_DoesNotThrow()
    {
        JsonElement element = JsonDocument.Parse($$"""{"{{Half}}":1,"x":2}""").RootElement;
        Assert.Null(element.Member("y"));
    }

    [Theory]
    [InlineData("{\"a\":1}", true)]
    [InlineData("{\"a\":", false)]
    [InlineData("", false)]
    public void TryParse_TellsWhetherItIsJson(string json, bool isJson)
    {
        using JsonDocument? document = JsonReading.TryParse(Encoding.UTF8.GetBytes(json));
        Assert.Equal(isJson, document is not null);
    }

    [Fact]
    public void TheReader_ReadsWhatItKnowsAndPassesOverTheRest()
    {
        var reader = new Utf8JsonReader("""{"skip":{"deep":[1]},"\u0074ext":"a","count":3,"other":[{}],"inner":{"count":"no"},"list":[5],"nothing":null}"""u8);
        var seen = new List<string>();
        Assert.True(reader.Read());
        while (reader.ReadMember())
        {
            if (reader.Is("text"u8))
            {
                seen.Add("text " + reader.ReadText());
            }
            else if (reader.Is("count"u8))
            {
                seen.Add("count " + reader.ReadNumber());
            }
            else if (reader.Is("other"u8))
            {
                seen.Add("other " + reader.ReadText());
            }
            else if (reader.Is("inner"u8) && reader.ReadObject())
            {
                while (reader.ReadMember())
                {
                    seen.Add("inner " + (reader.ReadNumber()?.ToString() ?? "-"));
                }
            }
            else if (reader.Is("list"u8) && reader.ReadArray())
            {
                reader.Read();
                seen.Add("list " + reader.GetInt32());
                reader.Read();
            }
            else if (reader.Is("nothing"u8))
            {
                seen.Add("nothing " + reader.ReadObject());
            }
            else
            {
                reader.Skip();
            }
        }

        Assert.Equal(["text a", "count 3", "other ", "inner -", "list 5", "nothing False"], seen);
        Assert.Equal(JsonTokenType.EndObject, reader.TokenType);
    }

    [Theory]
    [InlineData("7", 7L)]
    [InlineData("-7", -7L)]
    [InlineData("7.0", 7L)]
    [InlineData("\"7\"", 7L)]
    [InlineData("9007199254740993", 9007199254740993L)]
    [InlineData("7.5", null)]
    [InlineData("\"7 tokens\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("\"NaN\"", null)]
    [InlineData("1e300", null)]
    [InlineData("null", null)]
    [InlineData("true", null)]
    [InlineData("[7]", null)]
    public void ReadNumber_TakesWholeNumbersHoweverWritten(string json, long? expected)
    {
        var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes("{\"n\":" + json + "}"));
        Assert.True(reader.Read() && reader.ReadMember());
        Assert.Equal(expected, reader.ReadNumber());
        Assert.False(reader.ReadMember());
        Assert.Equal(JsonTokenType.EndObject, reader.TokenType);
    }
}
