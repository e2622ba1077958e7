using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>How a point's value is read and written; a type parameter, so that each kind gets a loop of its own.</summary>
internal interface IPointValue
{
    /// <summary>Writes the value and returns its length; 0 when a counter's value is negative or not finite.</summary>
    static abstract int Write(in MetricPoint point, Span<byte> destination, bool isCounter);
}

internal readonly struct LongSum : IPointValue
{
    public static int Write(in MetricPoint point, Span<byte> destination, bool isCounter)
    {
        long value = point.GetSumLong();
        return isCounter && value < 0 ? 0 : NumberText.Write(value, destination);
    }
}

internal readonly struct DoubleSum : IPointValue
{
    public static int Write(in MetricPoint point, Span<byte> destination, bool isCounter)
    {
        double value = point.GetSumDouble();
        return isCounter && value is not (>= 0 and < double.PositiveInfinity) ? 0 : NumberText.Write(value, destination);
    }
}

internal readonly struct LongGauge : IPointValue
{
    public static int Write(in MetricPoint point, Span<byte> destination, bool isCounter) => NumberText.Write(point.GetGaugeLastValueLong(), destination);
}

internal readonly struct DoubleGauge : IPointValue
{
    public static int Write(in MetricPoint point, Span<byte> destination, bool isCounter) => NumberText.Write(point.GetGaugeLastValueDouble(), destination);
}
