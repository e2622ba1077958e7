using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Coach.Prometheus.Collection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Exposition;

/// <summary>
/// What the page says of one exemplar: only the trace and span id, 63 of the 128 characters that OpenMetrics allows,
/// and nothing of the measurement's tags leaks. One cache line, without references.
/// </summary>
internal readonly struct ExemplarLink
{
    /// <summary>No text of <see cref="Write"/> is longer.</summary>
    public const int MaxLength = 14 + 32 + 11 + 16 + 3 + NumberFormatter.MaxLength + 1 + NumberFormatter.MaxLength;

    private readonly Vector128<byte> _traceStart;
    private readonly Vector128<byte> _traceEnd;
    private readonly Vector128<byte> _span;

    public ExemplarLink(in Exemplar exemplar, double value)
    {
        ReadOnlySpan<char> trace = exemplar.TraceId.ToHexString();
        _traceStart = Narrow(trace[..16]);
        _traceEnd = Narrow(trace[16..]);
        _span = Narrow(exemplar.SpanId.ToHexString());
        Ticks = exemplar.Timestamp.UtcTicks;
        Value = value;
    }

    /// <summary>When it was measured; 0 for no exemplar.</summary>
    public long Ticks { get; }

    public double Value { get; }

    public bool Exists => Ticks != 0;

    /// <summary>
    /// Stands for the exemplar, never 0: no series has two of one value within the same 100 nanoseconds and a scrape
    /// between them.
    /// </summary>
    public long Mark => (Ticks ^ (BitConverter.DoubleToInt64Bits(Value) * -7046029254386353131)) | 1;

    /// <summary>The latest exemplar of a counter's point; none when there is none with a trace.</summary>
    public static ExemplarLink Last(in MetricPoint point, bool isLong)
    {
        ExemplarLink last = default;
        if (point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            foreach (ref readonly Exemplar exemplar in found)
            {
                if (exemplar.TraceId != default && exemplar.Timestamp.UtcTicks >= last.Ticks)
                {
                    last = new ExemplarLink(in exemplar, isLong ? exemplar.LongValue : exemplar.DoubleValue);
                }
            }
        }

        return double.IsFinite(last.Value) ? last : default;
    }

    /// <summary>Writes <c> # {trace_id="…",span_id="…"} value seconds</c>.</summary>
    /// <returns>The number of bytes.</returns>
    public int Write(Span<byte> destination)
    {
        Span<byte> start = destination[..MaxLength];
        " # {trace_id=\""u8.CopyTo(start);
        _traceStart.CopyTo(start[14..]);
        _traceEnd.CopyTo(start[30..]);
        "\",span_id=\""u8.CopyTo(start[46..]);
        _span.CopyTo(start[57..]);
        "\"} "u8.CopyTo(start[73..]);
        int at = 76 + NumberFormatter.Write(Value, start[76..]);
        start[at++] = (byte)' ';
        return at + NumberFormatter.WriteSeconds(Ticks - DateTime.UnixEpoch.Ticks, start[at..]);
    }

    private static Vector128<byte> Narrow(ReadOnlySpan<char> digits)
    {
        ref ushort first = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(digits[..16]));
        return Vector128.Narrow(Vector128.LoadUnsafe(ref first), Vector128.LoadUnsafe(ref first, 8));
    }
}
