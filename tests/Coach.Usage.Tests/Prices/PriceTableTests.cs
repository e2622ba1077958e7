using System.Text;
using Coach.Testing;

namespace Coach.Usage.Tests.Prices;

public sealed class PriceTableTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void File_IsReadExactly()
    {
        PriceTable table = Parse(
            """
            {
              "version": 1, "source": "https://example.com", "date": "2026-11-01", "currency": "USD",
              "prices": [
                { "provider": "Gemini", "model": "pro", "from": "2026-01-01", "input": "1.25", "cachedInput": 0.125, "output": 10, "request": "0.000001" },
                { "provider": "gemini", "model": "pro", "from": "2026-12-01", "input": "1" },
                { "provider": "gemini", "model": "pro", "from": "2026-01-01", "overInputTokens": 200000, "input": "2.50", "output": 15 },
                { "provider": "gemini", "model": "pro-*", "input": 9 },
                { "provider": "gemini", "model": "*", "input": 5 },
              ],
              "ceiling": { "input": 100, "output": 200 }, // the dearest
            }
            """);

        Assert.Equal(("usd", "https://example.com", new DateOnly(2026, 11, 1)), (table.Currency, table.Source, table.Date));
        ModelPrice price = table.Find("GEMINI", "models/pro", Now)!;
        Assert.Equal((1_250_000, 125_000, 10_000_000, 1), (price.Input, price.CachedInput, price.Output, price.Request));
        Assert.Equal(2_500_000, table.Find("gemini", "pro", Now, 200_001)!.Input);
        Assert.Equal(1_250_000, table.Find("gemini", "pro", Now, 200_000)!.Input);
        Assert.Equal(1_000_000, table.Find("gemini", "pro", Now.AddDays(2))!.Input);
        Assert.Equal(9_000_000, table.Find("gemini", "pro-max", Now)!.Input);
        Assert.Equal(5_000_000, table.Find("gemini", "flash", Now)!.Input);
        Assert.Null(table.Find("openai", "pro", Now));
        Assert.Equal(100_000_000, table.Ceiling!.Input);
    }

    [Theory]
    [InlineData("gpt-x", true)]
    [InlineData("gpt-x-2026-08-06", true)]
    [InlineData("gpt-x-20260806", true)]
    [InlineData("gpt-x@20260806", true)]
    [InlineData("gpt-x-001", true)]
    [InlineData("gpt-x-latest", true)]
    [InlineData("gpt-x-mini", false)]
    [InlineData("gpt-x-mini-2026-08-06", false)]
    [InlineData("gpt-x-12", false)]
    [InlineData("GPT-X", false)]
    [InlineData("gpt", false)]
    [InlineData("", false)]
    [InlineData("-", false)]
    public void Model_IsFoundByItsName_AndARelease(string model, bool isFound)
    {
        PriceTable table = Parse(
            """{"version":1,"currency":"usd","prices":[{"provider":"openai","model":"gpt-x","input":1}]}""");

        Assert.Equal(isFound, table.Find("openai", model, Now) is not null);
    }

    [Theory]
    [InlineData("""[]""", "the price file is not an object.")]
    [InlineData("""{""", "The price file is not JSON: line 1, byte 2.")]
    [InlineData("""{"version":2,"currency":"usd","prices":[]}""", "The price file's version is not 1.")]
    [InlineData("""{"version":1,"prices":[]}""", "The price file names no currency.")]
    [InlineData("""{"version":1,"currency":"usd"}""", "The price file has no array 'prices'.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[],"x":1}""", "the price file has an unknown field 'x'.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[1]}""", "prices[0] is not an object.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"model":"m","input":1}]}""", "prices[0] names no provider or no model.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m"}]}""", "prices[0] has no rate; write 0 for what costs nothing.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","inptu":1}]}""", "prices[0] has an unknown field 'inptu'.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":1,"input":2}]}""", "prices[0] has the field 'input' twice.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":-1}]}""", "prices[0] has a field 'input' that is not a price of 0 to 1,000,000 units.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":"1,5"}]}""", "prices[0] has a field 'input' that is not a price of 0 to 1,000,000 units.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":1e30}]}""", "prices[0] has a field 'input' that is not a price of 0 to 1,000,000 units.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":0.0000001}]}""", "prices[0] has a field 'input' that is not a price with at most six decimals.")]
    [InlineData("""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":1,"from":"29.11.2026"}]}""", "prices[0] has a field 'from' that is not a date such as 2026-11-01.")]
    public void File_ThatIsWrong_SaysWhere(string json, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Parse(json)).Message);

    [Fact]
    public void File_WithTwoPricesOfADay_IsRefused() => Assert.StartsWith(
        "There are two prices of p/m from 0001-01-01; keep one.",
        Assert.Throws<FormatException>(() => Parse(
            """{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":1},{"provider":"P","model":"m","input":2}]}"""))
            .Message);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(999_999, 1)]
    [InlineData(1_000_000, 1)]
    [InlineData(1_000_001, 2)]
    public void Cost_IsRoundedUpOnce(long tokens, long micros)
    {
        var price = new ModelPrice { Provider = "p", Model = "m", Currency = "usd", Input = 1, Output = 1 };

        Assert.Equal(micros, price.CostOf(new UsageCounts { Input = tokens }).Micros);
        Assert.Equal(2, price.CostOf(new UsageCounts { Input = 1_000_000, Output = 1_000_000 }).Micros);
    }

    [Fact]
    public void Cost_OfAbsurdCounts_Fits()
    {
        var price = new ModelPrice
        {
            Provider = "p",
            Model = "m",
            Currency = "usd",
            Input = 1_000_000_000_000,
            Output = 1_000_000_000_000,
            Image = 1_000_000_000_000,
        };
        var most = new UsageCounts { Input = long.MaxValue, Output = long.MaxValue, Images = long.MaxValue };

        Assert.Equal(long.MaxValue, price.CostOf(most).Micros);
        Assert.Equal(0, price.CostOf(new UsageCounts { Input = long.MinValue }).Micros);
    }

    [Fact]
    public void File_ThatChanges_IsReadAgain_AndOneThatIsWrongIsNot()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "prices.json");
        Write(1);
        var clock = new VirtualClock();
        var source = new FilePriceSource(path, clock);
        Assert.Equal(1_000_000, source.Current.Prices[0].Input);

        Write(20);
        Assert.Equal(1_000_000, source.Current.Prices[0].Input);
        clock.Advance(FilePriceSource.Interval);
        Assert.Equal(20_000_000, source.Current.Prices[0].Input);

        File.WriteAllText(path, "{");
        clock.Advance(FilePriceSource.Interval);
        Assert.Equal(20_000_000, source.Current.Prices[0].Input);

        File.Delete(path);
        clock.Advance(FilePriceSource.Interval);
        Assert.Equal(20_000_000, source.Current.Prices[0].Input);

        Write(300);
        clock.Advance(FilePriceSource.Interval);
        Assert.Equal(300_000_000, source.Current.Prices[0].Input);

        void Write(int input) => File.WriteAllText(
            path,
            $$"""{"version":1,"currency":"usd","prices":[{"provider":"p","model":"m","input":{{input}}}]}""");
    }

    private static PriceTable Parse(string json) => PriceTable.Parse(Encoding.UTF8.GetBytes(json));
}
