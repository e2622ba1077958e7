using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Collection;

/// <summary>
/// The encoded <c>name{labels} </c> of every line of one metric, in the order of its points. Points keep their order in
/// cumulative mode, so a line is found by position; the tags are compared by reference to prove it.
/// </summary>
internal sealed class SeriesPrefix(
    string family, MetricKind kind, double[]? bounds, KeyValuePair<string, string>[] scope)
{
    private byte[] _text = new byte[1024];
    private int _textLength;
    private int[] _lineEnds = new int[16];
    private int _lines;
    private object?[] _identities = new object?[16];

    /// <summary>How many points are known.</summary>
    public int Points { get; private set; }

    /// <summary>Lines per point: 1, or buckets + sum + count.</summary>
    public int LinesPerPoint { get; } = kind == MetricKind.Histogram ? (bounds?.Length ?? 0) + 3 : 1;

    public double[]? Bounds => bounds;

    public ReadOnlySpan<byte> Line(int line)
    {
        int start = line == 0 ? 0 : _lineEnds[line - 1];
        return _text.AsSpan(start, _lineEnds[line] - start);
    }

    /// <summary>
    /// Whether the point is still the one at this place: the SDK keeps each point's tags in one array for life.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsSame(int point, in MetricPoint current) =>
        ReferenceEquals(_identities[point], TagIdentity.Of(current.Tags));

    public void Clear()
    {
        Array.Clear(_identities);
        _textLength = _lines = 0;
        Points = 0;
    }

    /// <summary>
    /// Encodes one more point and returns its label text, which is unique in a family that has no duplicates.
    /// </summary>
    public string Add(in MetricPoint point)
    {
        var tags = new KeyValuePair<string, object?>[point.Tags.Count];
        int i = 0;
        foreach (KeyValuePair<string, object?> tag in point.Tags)
        {
            tags[i++] = tag;
        }

        string labels = Labels(tags, scope);
        if (kind == MetricKind.Histogram)
        {
            string separator = labels.Length == 0 ? "" : ",";
            foreach (double bound in bounds ?? [])
            {
                AddLine($"{family}_bucket{{{labels}{separator}le=\"{NumberFormatter.Bound(bound)}\"}} ");
            }

            AddLine($"{family}_bucket{{{labels}{separator}le=\"+Inf\"}} ");
            AddLine(labels.Length == 0 ? $"{family}_sum " : $"{family}_sum{{{labels}}} ");
            AddLine(labels.Length == 0 ? $"{family}_count " : $"{family}_count{{{labels}}} ");
        }
        else
        {
            string name = kind == MetricKind.Counter ? family + "_total" : family;
            AddLine(labels.Length == 0 ? name + " " : $"{name}{{{labels}}} ");
        }

        Grow(ref _identities, Points + 1);
        _identities[Points++] = TagIdentity.Of(point.Tags);
        return labels;
    }

    /// <summary>
    /// Tags as label text: legal names, keys that collide joined with <c>;</c>, values escaped, sorted by name.
    /// </summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags, KeyValuePair<string, string>[] scope)
    {
        if (tags.IsEmpty && scope.Length == 0)
        {
            return "";
        }

        // Sorted by name: two points with the same tags in another order must give the same text, or the page has a
        // duplicate series.
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, string value) in scope)
        {
            if (!string.IsNullOrEmpty(value))
            {
                labels[key] = value;
            }
        }

        foreach ((string key, object? value) in tags)
        {
            string text = Value(value);
            string name = MetricNames.Label(key ?? "");
            if (text.Length > 0)
            {
                labels[name] = labels.TryGetValue(name, out string? before)
                    ? $"{before};{text}"
                    : text; // an empty label is an absent one
            }
        }

        var result = new StringBuilder();
        foreach ((string name, string value) in labels)
        {
            result.Append(result.Length == 0 ? "" : ",").Append(name).Append("=\"");
            Escape(result, value, quotes: true);
            result.Append('"');
        }

        return result.ToString();
    }

    public static void Escape(StringBuilder result, string text, bool quotes)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsSurrogate(c))
            {
                // Half a pair has no UTF-8: replaced here, two texts that would look alike on the page are seen to be
                // alike.
                bool isPair = i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]);
                _ = isPair ? result.Append(c).Append(text[++i]) : result.Append('\uFFFD');
                continue;
            }

            _ = c switch
            {
                '\\' => result.Append("\\\\"),
                '\n' => result.Append("\\n"),
                '"' when quotes => result.Append("\\\""),
                _ => result.Append(c),
            };
        }
    }

    public static string Value(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        Array array => string.Join(',', array.Cast<object?>().Select(Value)),
        _ => value.ToString() ?? "",
    };

    private void AddLine(string text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        Grow(ref _text, _textLength + bytes);
        Grow(ref _lineEnds, _lines + 1);
        _textLength += Encoding.UTF8.GetBytes(text, _text.AsSpan(_textLength));
        _lineEnds[_lines++] = _textLength;
    }

    private static void Grow<T>(ref T[] array, int needed)
    {
        if (needed > array.Length)
        {
            Array.Resize(ref array, Math.Max(needed, array.Length * 2));
        }
    }
}

/// <summary>What both formats know.</summary>
internal enum MetricKind
{
    Gauge,
    Counter,
    Histogram,
}

/// <summary>
/// Tells points apart by the array that holds their tags, without looking into it: that would cost a cache miss per
/// series. The SDK's collection of tags is a structure round that one reference; were it ever another, the first tag's
/// value serves.
/// </summary>
internal static class TagIdentity
{
    private static readonly bool IsOneReference =
        Unsafe.SizeOf<ReadOnlyTagCollection>() == Unsafe.SizeOf<object>()
            && RuntimeHelpers.IsReferenceOrContainsReferences<ReadOnlyTagCollection>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static object? Of(ReadOnlyTagCollection tags) =>
        IsOneReference ? Unsafe.As<ReadOnlyTagCollection, object?>(ref tags) : First(tags);

    private static object? First(ReadOnlyTagCollection tags)
    {
        ReadOnlyTagCollection.Enumerator first = tags.GetEnumerator();
        return first.MoveNext() ? first.Current.Value : null;
    }
}
