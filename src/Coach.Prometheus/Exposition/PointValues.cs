using Coach.Prometheus.Collection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Exposition;

/// <summary>
/// How a point's value is read and written; a type parameter, so that each kind gets a loop of its own.
/// </summary>
internal interface IPointValue
{
    /// <summary>The value's 64 bits.</summary>
    static abstract long Bits(in MetricPoint point);

    /// <summary>Whether a counter can have it: not negative, finite.</summary>
    static abstract bool FitsCounter(long bits);

    static abstract int Write(long bits, Span<byte> destination);
}

internal readonly struct LongSum : IPointValue
{
    public static long Bits(in MetricPoint point) => point.GetSumLong();

    public static bool FitsCounter(long bits) => bits >= 0;

    public static int Write(long bits, Span<byte> destination) => NumberFormatter.Write(bits, destination);
}

internal readonly struct LongGauge : IPointValue
{
    public static long Bits(in MetricPoint point) => point.GetGaugeLastValueLong();

    public static bool FitsCounter(long bits) => bits >= 0;

    public static int Write(long bits, Span<byte> destination) => NumberFormatter.Write(bits, destination);
}

internal readonly struct DoubleSum : IPointValue
{
    public static long Bits(in MetricPoint point) => BitConverter.DoubleToInt64Bits(point.GetSumDouble());

    public static bool FitsCounter(long bits) =>
        BitConverter.Int64BitsToDouble(bits) is >= 0 and < double.PositiveInfinity;

    public static int Write(long bits, Span<byte> destination) =>
        NumberFormatter.Write(BitConverter.Int64BitsToDouble(bits), destination);
}

internal readonly struct DoubleGauge : IPointValue
{
    public static long Bits(in MetricPoint point) => BitConverter.DoubleToInt64Bits(point.GetGaugeLastValueDouble());

    public static bool FitsCounter(long bits) =>
        BitConverter.Int64BitsToDouble(bits) is >= 0 and < double.PositiveInfinity;

    public static int Write(long bits, Span<byte> destination) =>
        NumberFormatter.Write(BitConverter.Int64BitsToDouble(bits), destination);
}
