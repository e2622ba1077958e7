using System.Text;
using Coach.Prometheus.Collection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Exposition;

/// <summary>
/// The slow road for a family in which two points have the same labels: counters and histograms of the same bounds are
/// added, of gauges the first stays. Without exemplars and creation times.
/// </summary>
internal static class DuplicateSeriesMerger
{
    public static void Write(MetricFamily family, FamilyBuffer block, bool openMetrics)
    {
        // Allocates a string a series: colliding names are a mistake of the host, and correct beats fast here.
        var merged = new Dictionary<string, Sample>(StringComparer.Ordinal);
        List<Sample> order = [];
        foreach (MetricEntry entry in family.Entries)
        {
            foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
            {
                List<KeyValuePair<string, object?>> tags = [];
                foreach (KeyValuePair<string, object?> tag in point.Tags)
                {
                    tags.Add(tag);
                }

                entry.HasOverflow |= ExpositionWriter.IsOverflow(in point);
                var sample = Sample.Of(SeriesPrefix.Labels(tags.ToArray(), entry.Scope), family, entry, in point);
                if (merged.TryGetValue(sample.Labels, out Sample? first))
                {
                    first.Add(sample, family.Kind);
                }
                else
                {
                    merged.Add(sample.Labels, sample);
                    order.Add(sample);
                }
            }
        }

        Span<byte> number = stackalloc byte[NumberFormatter.MaxLength];
        foreach (Sample sample in order)
        {
            if (family.Kind == MetricKind.Histogram)
            {
                WriteHistogram(family.Name, sample, block, openMetrics, number);
            }
            else if (family.Kind == MetricKind.Gauge || (sample.Value >= 0 && sample.Value < double.PositiveInfinity))
            {
                Line(
                    block, family.Kind == MetricKind.Counter ? family.Name + "_total" : family.Name, sample.Labels,
                    sample.Value, number);
            }
        }
    }

    private static void WriteHistogram(
        string name, Sample sample, FamilyBuffer block, bool openMetrics, Span<byte> number)
    {
        string separator = sample.Labels.Length == 0 ? "" : ",";
        long cumulative = 0;
        for (int i = 0; i < sample.Bounds.Length; i++)
        {
            cumulative += sample.Buckets[i];
            Line(
                block, name + "_bucket", $"{sample.Labels}{separator}le=\"{NumberFormatter.Bound(sample.Bounds[i])}\"",
                cumulative, number);
        }

        Line(block, name + "_bucket", $"{sample.Labels}{separator}le=\"+Inf\"", sample.Count, number);
        if (!openMetrics
            || (sample.Bounds is not [< 0, ..] && sample.Value >= 0 && sample.Value < double.PositiveInfinity))
        {
            Line(block, name + "_sum", sample.Labels, sample.Value, number);
            Line(block, name + "_count", sample.Labels, sample.Count, number);
        }
    }

    private static void Line(FamilyBuffer block, string name, string labels, double value, Span<byte> number)
    {
        block.Raw(Encoding.UTF8.GetBytes(labels.Length == 0 ? $"{name} " : $"{name}{{{labels}}} "));
        block.Raw(number[..NumberFormatter.Write(value, number)]);
        block.Raw("\n"u8);
    }

    private sealed class Sample
    {
        public required string Labels { get; init; }

        public double Value { get; private set; }

        public long Count { get; private set; }

        public double[] Bounds { get; private set; } = [];

        public long[] Buckets { get; private set; } = [];

        public static Sample Of(string labels, MetricFamily family, MetricEntry entry, in MetricPoint point)
        {
            var sample = new Sample { Labels = labels };
            switch (entry.Metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    sample.Value = point.GetSumLong();
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    sample.Value = point.GetSumDouble();
                    break;
                case MetricType.LongGauge:
                    sample.Value = point.GetGaugeLastValueLong();
                    break;
                case MetricType.DoubleGauge:
                    sample.Value = point.GetGaugeLastValueDouble();
                    break;
                default:
                    sample.ReadHistogram(family, entry, in point);
                    break;
            }

            return sample;
        }

        public void Add(Sample other, MetricKind kind)
        {
            if (kind == MetricKind.Gauge
                || (kind == MetricKind.Histogram && !Bounds.AsSpan().SequenceEqual(other.Bounds)))
            {
                return;
            }

            Value += other.Value;
            Count += other.Count;
            for (int i = 0; i < Buckets.Length; i++)
            {
                Buckets[i] += other.Buckets[i];
            }
        }

        private void ReadHistogram(MetricFamily family, MetricEntry entry, in MetricPoint point)
        {
            Value = point.GetHistogramSum();
            Count = point.GetHistogramCount();
            if (entry.IsExponential)
            {
                Bounds = family.Exponential.Bounds;
                Buckets = new long[Bounds.Length];
                family.Exponential.Count(in point, Buckets);
                return;
            }

            List<double> bounds = [];
            List<long> buckets = [];
            foreach (HistogramBucket bucket in point.GetHistogramBuckets())
            {
                if (double.IsFinite(bucket.ExplicitBound))
                {
                    bounds.Add(bucket.ExplicitBound);
                    buckets.Add(bucket.BucketCount);
                }
            }

            Bounds = [.. bounds];
            Buckets = [.. buckets];
        }
    }
}
