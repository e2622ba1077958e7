using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>Writes one family's block. A known series costs a comparison, and the formatting of its number when that changed.</summary>
internal sealed partial class ExpositionWriter(MetricsDiagnostics diagnostics, bool exemplars, bool created)
{
    private const int MaxAttempts = 3;

    public void Write(MetricFamily family, FamilyBlock block, bool openMetrics)
    {
        family.Widen();
        byte[] head = openMetrics ? family.OpenMetricsHead : family.TextHead;
        block.Begin(family.Layout, head);
        for (int attempt = 1; ; attempt++)
        {
            if (family.HasDuplicates)
            {
                MergedFamily.Write(family, block, openMetrics);
                break;
            }

            if (WriteEntries(family, block, openMetrics))
            {
                break;
            }

            // A point appeared before known ones, or a duplicate was found: start this family over.
            block.Restart(head);
            if (!family.HasDuplicates)
            {
                family.Forget();
            }

            if (attempt == MaxAttempts)
            {
                throw new InvalidOperationException("The metric points changed their order three times within one collection.");
            }
        }

        block.End(family.Layout);
    }

    private bool WriteEntries(MetricFamily family, FamilyBlock block, bool openMetrics)
    {
        foreach (MetricEntry entry in family.Entries)
        {
            bool complete = entry.Metric.MetricType switch
            {
                MetricType.Histogram or MetricType.ExponentialHistogram => WriteHistograms(family, entry, block, openMetrics),
                MetricType.LongSum or MetricType.LongSumNonMonotonic => WriteScalars<LongSum>(family, entry, block, openMetrics),
                MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => WriteScalars<DoubleSum>(family, entry, block, openMetrics),
                MetricType.LongGauge => WriteScalars<LongGauge>(family, entry, block, openMetrics),
                _ => WriteScalars<DoubleGauge>(family, entry, block, openMetrics),
            };
            if (!complete)
            {
                return false;
            }
        }

        return true;
    }

    private bool WriteScalars<TValue>(MetricFamily family, MetricEntry entry, FamilyBlock block, bool openMetrics)
        where TValue : struct, IPointValue
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        bool isCounter = entry.Kind == MetricKind.Counter;
        bool mayHaveExemplars = isCounter && openMetrics && exemplars;
        bool hasCreated = isCounter && openMetrics && created;
        SeriesText series = entry.Series;
        int known = series.Points;
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (i < known ? !series.IsSame(i, in point) : !Learn(family, series, block, in point))
            {
                return false;
            }

            long bits = TValue.Bits(in point);
            int line = i++;
            if (isCounter && !TValue.FitsCounter(bits))
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                block.Skip();
                continue;
            }

            if (mayHaveExemplars && HasExemplars(in point))
            {
                block.Raw(series.Line(line));
                block.Raw(number[..TValue.Write(bits, number)]);
                WriteLastExemplar(block, in point, isLong: typeof(TValue) == typeof(LongSum));
                block.Raw("\n"u8);
            }
            else if (!block.TryKeep(bits))
            {
                block.Line(series.Line(line), number[..TValue.Write(bits, number)], bits);
            }

            if (hasCreated)
            {
                WriteCreated(block, series.Line(line), "_total".Length, point.StartTime);
            }
        }

        return true;
    }

    private bool Learn(MetricFamily family, SeriesText series, FamilyBlock block, in MetricPoint point)
    {
        string labels = series.Add(in point);
        family.Layout = new object();
        block.Break();
        if (family.Seen.Add(labels))
        {
            return true;
        }

        diagnostics.Problem(ScrapeProblem.DuplicateSeries);
        family.HasDuplicates = true;
        return false;
    }
}
