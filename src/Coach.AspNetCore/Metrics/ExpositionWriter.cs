using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>Writes one family's block. Known series cost a copy of their text and the formatting of a number.</summary>
internal sealed partial class ExpositionWriter(MetricsDiagnostics diagnostics, bool exemplars, bool created)
{
    public void Write(MetricFamily family, ScrapeBody body, bool openMetrics)
    {
        body.Write(openMetrics ? family.OpenMetricsHead : family.TextHead);
        long start = body.Length;
        for (int attempt = 0; ; attempt++)
        {
            if (family.HasDuplicates)
            {
                MergedFamily.Write(family, body, openMetrics);
                return;
            }

            bool complete = true;
            foreach (MetricEntry entry in family.Entries)
            {
                complete = complete && (family.Kind == MetricKind.Histogram
                    ? WriteHistograms(family, entry, body, openMetrics)
                    : WriteScalars(family, entry, body, openMetrics));
            }

            if (complete)
            {
                return;
            }

            // A point appeared before known ones, or a duplicate was found: start this family over.
            body.Truncate(start);
            if (!family.HasDuplicates)
            {
                family.Forget();
            }

            if (attempt == 2)
            {
                throw new InvalidOperationException("The metric points changed their order three times within one collection.");
            }
        }
    }

    private bool WriteScalars(MetricFamily family, MetricEntry entry, ScrapeBody body, bool openMetrics)
    {
        bool isCounter = entry.Kind == MetricKind.Counter;
        if (isCounter && openMetrics && (exemplars || created))
        {
            return WriteRichCounters(family, entry, body);
        }

        return entry.Metric.MetricType switch
        {
            MetricType.LongSum or MetricType.LongSumNonMonotonic => WriteScalars<LongSum>(family, entry, body, isCounter),
            MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => WriteScalars<DoubleSum>(family, entry, body, isCounter),
            MetricType.LongGauge => WriteScalars<LongGauge>(family, entry, body, isCounter),
            _ => WriteScalars<DoubleGauge>(family, entry, body, isCounter),
        };
    }

    private bool WriteScalars<TValue>(MetricFamily family, MetricEntry entry, ScrapeBody body, bool isCounter)
        where TValue : struct, IPointValue
    {
        SeriesText series = entry.Series;
        ReadOnlySpan<byte> text = series.Text;
        ReadOnlySpan<int> ends = series.LineEnds;
        Span<byte> free = body.Free;
        int known = series.Points, point = 0, start = 0, used = 0;
        foreach (ref readonly MetricPoint current in entry.Metric.GetMetricPoints())
        {
            if (point < known ? !series.IsSame(point, in current) : !Learn(family, series, in current))
            {
                body.Advance(used);
                return false;
            }

            if (point >= known)
            {
                text = series.Text;
                ends = series.LineEnds;
            }

            int end = ends[point++];
            ReadOnlySpan<byte> line = text[start..end];
            start = end;
            if (line.Length + NumberText.MaxLength + 1 > free.Length - used)
            {
                body.Advance(used);
                used = 0;
                line = MakeRoom(body, line);
                free = body.Free;
            }

            // The number first: a counter that is none leaves no trace.
            Span<byte> target = free[used..];
            int length = TValue.Write(in current, target[line.Length..], isCounter);
            if (length == 0)
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                continue;
            }

            line.CopyTo(target);
            length += line.Length;
            target[length] = (byte)'\n';
            used += length + 1;
        }

        body.Advance(used);
        return true;
    }

    // Text, number and line feed stay in one piece; a text that fills pieces of its own is written ahead.
    private static ReadOnlySpan<byte> MakeRoom(ScrapeBody body, ReadOnlySpan<byte> line)
    {
        while (line.Length + NumberText.MaxLength + 1 > body.Free.Length)
        {
            if (line.Length > ChunkPool.ChunkBytes / 2)
            {
                int part = line.Length - (ChunkPool.ChunkBytes / 2);
                body.Write(line[..part]);
                line = line[part..];
            }
            else
            {
                body.NextChunk();
            }
        }

        return line;
    }

    private bool WriteRichCounters(MetricFamily family, MetricEntry entry, ScrapeBody body)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        SeriesText series = entry.Series;
        bool isLong = entry.Metric.MetricType == MetricType.LongSum;
        int point = 0;
        foreach (ref readonly MetricPoint current in entry.Metric.GetMetricPoints())
        {
            if (point < series.Points ? !series.IsSame(point, in current) : !Learn(family, series, in current))
            {
                return false;
            }

            ReadOnlySpan<byte> line = series.Line(point++);
            int length = isLong ? LongSum.Write(in current, number, isCounter: true) : DoubleSum.Write(in current, number, isCounter: true);
            if (length == 0)
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                continue;
            }

            line = MakeRoom(body, line);
            Span<byte> free = body.Free;
            line.CopyTo(free);
            number[..length].CopyTo(free[line.Length..]);
            int used = line.Length + length;
            if (exemplars && current.TryGetExemplars(out ReadOnlyExemplarCollection found))
            {
                body.Advance(used);
                WriteLastExemplar(body, found, isLong);
                body.Write("\n"u8);
            }
            else
            {
                free[used++] = (byte)'\n';
                body.Advance(used);
            }

            if (created)
            {
                WriteCreated(body, series.Line(point - 1), "_total".Length, current.StartTime);
            }
        }

        return true;
    }

    private bool Learn(MetricFamily family, SeriesText series, in MetricPoint point)
    {
        string labels = series.Add(in point);
        if (family.Seen.Add(labels))
        {
            return true;
        }

        diagnostics.Problem(ScrapeProblem.DuplicateSeries);
        family.HasDuplicates = true;
        return false;
    }
}
