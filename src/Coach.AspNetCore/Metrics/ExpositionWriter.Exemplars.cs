using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <content>Exemplars and creation times: what only OpenMetrics pages carry.</content>
internal sealed partial class ExpositionWriter
{
    private Exemplar?[] _bucketExemplars = new Exemplar?[32];

    // name_total{labels}  becomes  name_created{labels} seconds
    private static void WriteCreated(FamilyBlock block, ReadOnlySpan<byte> text, int suffixLength, DateTimeOffset start)
    {
        int nameEnd = text.IndexOfAny((byte)'{', (byte)' ');
        block.Raw(text[..(nameEnd - suffixLength)]);
        block.Raw("_created"u8);
        block.Raw(text[nameEnd..]);
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        block.Raw(number[..NumberText.Write(start.ToUnixTimeMilliseconds() / 1000.0, number)]);
        block.Raw("\n"u8);
    }

    private bool SortExemplars(in MetricPoint point, double[] bounds)
    {
        if (!point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            return false;
        }

        if (_bucketExemplars.Length <= bounds.Length)
        {
            _bucketExemplars = new Exemplar?[bounds.Length + 1];
        }

        Array.Clear(_bucketExemplars);
        bool any = false;
        foreach (ref readonly Exemplar exemplar in found)
        {
            double value = exemplar.DoubleValue;
            if (exemplar.TraceId != default && !double.IsNaN(value))
            {
                int at = Array.BinarySearch(bounds, value);
                _bucketExemplars[at < 0 ? ~at : at] = exemplar;
                any = true;
            }
        }

        return any;
    }

    private static bool HasExemplars(in MetricPoint point)
    {
        if (point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            foreach (ref readonly Exemplar exemplar in found)
            {
                if (exemplar.TraceId != default)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static void WriteLastExemplar(FamilyBlock block, in MetricPoint point, bool isLong)
    {
        Exemplar? last = null;
        if (point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            foreach (ref readonly Exemplar exemplar in found)
            {
                if (exemplar.TraceId != default && (last is null || exemplar.Timestamp >= last.Value.Timestamp))
                {
                    last = exemplar;
                }
            }
        }

        if (last is { } chosen && (isLong || double.IsFinite(chosen.DoubleValue)))
        {
            WriteExemplar(block, chosen, isLong ? chosen.LongValue : chosen.DoubleValue);
        }
    }

    // Only the trace and span id: 63 of the 128 characters the format allows, and nothing of the measurement's tags leaks.
    private static void WriteExemplar(FamilyBlock block, in Exemplar exemplar, double value)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        string labels = string.Create(CultureInfo.InvariantCulture, $" # {{trace_id=\"{exemplar.TraceId}\",span_id=\"{exemplar.SpanId}\"}} ");
        block.Raw(Encoding.UTF8.GetBytes(labels));
        block.Raw(number[..NumberText.Write(value, number)]);
        block.Raw(" "u8);
        block.Raw(number[..NumberText.Write(exemplar.Timestamp.ToUnixTimeMilliseconds() / 1000.0, number)]);
    }
}
