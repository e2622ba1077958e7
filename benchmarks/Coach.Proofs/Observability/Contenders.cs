using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.Benchmarks.Observability;

/// <summary>The SDK's collection alone: each point and its tags are visited, nothing is written.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class Walker : BaseExporter<Metric>, IPullMetricExporter
{
    public Func<int, bool>? Collect { get; set; }

    public long KeyCharacters { get; private set; }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (Metric metric in batch)
        {
            foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
            {
                foreach (KeyValuePair<string, object?> tag in point.Tags)
                {
                    KeyCharacters += tag.Key.Length;
                }
            }
        }

        return ExportResult.Success;
    }
}

/// <summary>The writer that one writes first: a StringBuilder over the same collection, in text format.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class StraightforwardWriter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly StringBuilder _page = new();

    public Func<int, bool>? Collect { get; set; }

    public int Length { get; private set; }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        _page.Clear();
        foreach (Metric metric in batch)
        {
            string name = metric.Name.Replace('.', '_');
            string type = metric.MetricType switch { MetricType.LongSum => "counter", MetricType.Histogram => "histogram", _ => "gauge" };
            name += type == "counter" ? "_total" : "";
            _page.Append("# HELP ").Append(name).Append(' ').Append(metric.Description).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
            foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
            {
                if (metric.MetricType != MetricType.Histogram)
                {
                    Line(name, in point, null, type == "counter"
                        ? point.GetSumLong().ToString(CultureInfo.InvariantCulture)
                        : point.GetGaugeLastValueDouble().ToString(CultureInfo.InvariantCulture));
                    continue;
                }

                long cumulative = 0;
                foreach (HistogramBucket bucket in point.GetHistogramBuckets())
                {
                    cumulative += bucket.BucketCount;
                    string le = double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : bucket.ExplicitBound.ToString(CultureInfo.InvariantCulture);
                    Line(name + "_bucket", in point, le, cumulative.ToString(CultureInfo.InvariantCulture));
                }

                Line(name + "_sum", in point, null, point.GetHistogramSum().ToString(CultureInfo.InvariantCulture));
                Line(name + "_count", in point, null, point.GetHistogramCount().ToString(CultureInfo.InvariantCulture));
            }
        }

        Length = Encoding.UTF8.GetBytes(_page.ToString()).Length;
        return ExportResult.Success;
    }

    private void Line(string name, in MetricPoint point, string? le, string value)
    {
        _page.Append(name).Append('{');
        string separator = "";
        foreach (KeyValuePair<string, object?> tag in point.Tags)
        {
            string text = (tag.Value?.ToString() ?? "").Replace("\\", "\\\\").Replace("\n", "\\n").Replace("\"", "\\\"");
            _page.Append(separator).Append(tag.Key).Append("=\"").Append(text).Append('"');
            separator = ",";
        }

        if (le is not null)
        {
            _page.Append(separator).Append("le=\"").Append(le).Append('"');
        }

        _page.Append("} ").Append(value).Append('\n');
    }
}
