using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <content>Exemplars and creation times: what only OpenMetrics pages carry.</content>
internal sealed partial class ExpositionWriter
{
    private Exemplar?[] _bucketExemplars = new Exemplar?[32];

    // name_total{labels}  becomes  name_created{labels} seconds
    private static void WriteCreated(ScrapeBody body, ReadOnlySpan<byte> text, int suffixLength, DateTimeOffset start)
    {
        int nameEnd = text.IndexOfAny((byte)'{', (byte)' ');
        body.Write(text[..(nameEnd - suffixLength)]);
        body.Write("_created"u8);
        body.Write(text[nameEnd..]);
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        body.Write(number[..NumberText.Write(start.ToUnixTimeMilliseconds() / 1000.0, number)]);
        body.Write("\n"u8);
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

    private static void WriteLastExemplar(ScrapeBody body, ReadOnlyExemplarCollection found, bool isLong)
    {
        Exemplar? last = null;
        foreach (ref readonly Exemplar exemplar in found)
        {
            if (exemplar.TraceId != default && (last is null || exemplar.Timestamp >= last.Value.Timestamp))
            {
                last = exemplar;
            }
        }

        if (last is { } chosen && (isLong || double.IsFinite(chosen.DoubleValue)))
        {
            WriteExemplar(body, chosen, isLong ? chosen.LongValue : chosen.DoubleValue);
        }
    }

    // Only the trace and span id: 63 of the 128 characters the format allows, and nothing of the measurement's tags leaks.
    private static void WriteExemplar(ScrapeBody body, in Exemplar exemplar, double value)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        string labels = string.Create(CultureInfo.InvariantCulture, $" # {{trace_id=\"{exemplar.TraceId}\",span_id=\"{exemplar.SpanId}\"}} ");
        body.Write(Encoding.UTF8.GetBytes(labels));
        body.Write(number[..NumberText.Write(value, number)]);
        body.Write(" "u8);
        body.Write(number[..NumberText.Write(exemplar.Timestamp.ToUnixTimeMilliseconds() / 1000.0, number)]);
    }
}
