using System.Globalization;
using System.Text;
using Coach.Prometheus.Collection;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Prometheus.Tests.Collection;

public sealed class NumberFormatterTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.1, "0.1")]
    [InlineData(-0.1, "-0.1")]
    [InlineData(0.30000000000000004, "0.30000000000000004")]
    [InlineData(1.5, "1.5")]
    [InlineData(1234567.891, "1234567.891")]
    [InlineData(0.000001, "0.000001")]
    [InlineData(1e-7, "1E-07")]
    [InlineData(1e300, "1E+300")]
    [InlineData(double.MaxValue, "1.7976931348623157E+308")]
    [InlineData(-double.Epsilon, "-5E-324")]
    [InlineData(999999999999999, "999999999999999")]
    [InlineData(-42, "-42")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Write_ADouble_IsTheShortestText(double value, string expected) => Assert.Equal(expected, Text(value));

    [Fact]
    public void Write_AnyDouble_ReadsBackAsTheSameValueAndIsNoLongerThanDotNets() => Prop.ForAll(
        ArbMap.Default.ArbFor<double>(),
        value => double.IsNaN(value)
            || (double.Parse(
                Text(value).Replace("+Inf", "Infinity").Replace("-Inf", "-Infinity"),
                CultureInfo.InvariantCulture) == value))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Write_AnyDecimalOfUpToSixPlaces_IsThatDecimal() => Prop.ForAll(
        Gen.Choose(-2_000_000_000, 2_000_000_000).Zip(Gen.Choose(0, 6)).ToArbitrary(),
        pair =>
        {
            double value = pair.Item1 / Math.Pow(10, pair.Item2);
            string shortest = value.ToString("R", CultureInfo.InvariantCulture);
            return shortest.Contains('E', StringComparison.Ordinal)
                || Text(value) == (shortest == "-0" ? "0" : shortest);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void Write_AnyLong_IsItsText() => Prop.ForAll(
        ArbMap.Default.ArbFor<long>(), ArbMap.Default.ArbFor<int>(),
        (value, shift) => Text(value >> (shift & 63)) == (value >> (shift & 63)).ToString(CultureInfo.InvariantCulture))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Theory]
    [InlineData(0, "0.0")]
    [InlineData(1, "1.0")]
    [InlineData(10, "10.0")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.005, "0.005")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(2.5, "2.5")]
    [InlineData(100000, "100000.0")]
    [InlineData(1000000, "1e+06")]
    [InlineData(1234567, "1.234567e+06")]
    [InlineData(1e100, "1e+100")]
    [InlineData(-5, "-5.0")]
    [InlineData(-0.25, "-0.25")]
    [InlineData(123.456, "123.456")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    public void Bound_OfABucket_IsCanonical(double value, string expected) =>
        Assert.Equal(expected, NumberFormatter.Bound(value));

    private static string Text(double value)
    {
        Span<byte> buffer = stackalloc byte[NumberFormatter.MaxLength];
        return Encoding.UTF8.GetString(buffer[..NumberFormatter.Write(value, buffer)]);
    }

    private static string Text(long value)
    {
        Span<byte> buffer = stackalloc byte[NumberFormatter.MaxLength];
        return Encoding.UTF8.GetString(buffer[..NumberFormatter.Write(value, buffer)]);
    }
}
