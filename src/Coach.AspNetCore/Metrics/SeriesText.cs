using System.Buffers;
using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>
/// The encoded <c>name{labels} </c> of every line of one metric, in the order of its points. Points keep their order in
/// cumulative mode, so a line is found by position; the tags are compared by reference to prove it.
/// </summary>
internal sealed class SeriesText(string family, MetricKind kind, double[]? bounds, KeyValuePair<string, string>[] scope)
{
    private byte[] _text = new byte[1024];
    private int _textLength;
    private int[] _lineEnds = new int[16];
    private int _lines;
    private KeyValuePair<string, object?>[] _tags = new KeyValuePair<string, object?>[16];
    private int[] _tagEnds = new int[16];

    /// <summary>How many points are known.</summary>
    public int Points { get; private set; }

    /// <summary>Lines per point: 1, or buckets + sum + count.</summary>
    public int LinesPerPoint { get; } = kind == MetricKind.Histogram ? (bounds?.Length ?? 0) + 3 : 1;

    public double[]? Bounds => bounds;

    /// <summary>All lines' text, one after another.</summary>
    public ReadOnlySpan<byte> Text => _text.AsSpan(0, _textLength);

    /// <summary>Where each line's text ends.</summary>
    public ReadOnlySpan<int> LineEnds => _lineEnds.AsSpan(0, _lines);

    public ReadOnlySpan<byte> Line(int line) => _text.AsSpan(line == 0 ? 0 : _lineEnds[line - 1], _lineEnds[line] - (line == 0 ? 0 : _lineEnds[line - 1]));

    public bool IsSame(int point, in MetricPoint current)
    {
        int from = point == 0 ? 0 : _tagEnds[point - 1];
        ReadOnlySpan<KeyValuePair<string, object?>> known = _tags.AsSpan(from, _tagEnds[point] - from);
        ReadOnlyTagCollection tags = current.Tags;
        if (tags.Count != known.Length)
        {
            return false;
        }

        int i = 0;
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (!ReferenceEquals(tag.Value, known[i].Value) || !ReferenceEquals(tag.Key, known[i].Key))
            {
                return false;
            }

            i++;
        }

        return true;
    }

    public void Clear()
    {
        Array.Clear(_tags);
        _textLength = _lines = 0;
        Points = 0;
    }

    /// <summary>Encodes one more point and returns its label text, which is unique in a family that has no duplicates.</summary>
    public string Add(in MetricPoint point)
    {
        int tagCount = point.Tags.Count;
        int tagStart = Points == 0 ? 0 : _tagEnds[Points - 1];
        Grow(ref _tags, tagStart + tagCount);
        Grow(ref _tagEnds, Points + 1);
        int i = tagStart;
        foreach (KeyValuePair<string, object?> tag in point.Tags)
        {
            _tags[i++] = tag;
        }

        string labels = Labels(_tags.AsSpan(tagStart, tagCount), scope);
        if (kind == MetricKind.Histogram)
        {
            string separator = labels.Length == 0 ? "" : ",";
            foreach (double bound in bounds ?? [])
            {
                AddLine($"{family}_bucket{{{labels}{separator}le=\"{NumberText.Bound(bound)}\"}} ");
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

        _tagEnds[Points++] = tagStart + tagCount;
        return labels;
    }

    /// <summary>Tags as label text: legal names, keys that collide joined with <c>;</c>, values escaped, sorted by name.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags, KeyValuePair<string, string>[] scope)
    {
        if (tags.IsEmpty && scope.Length == 0)
        {
            return "";
        }

        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, string value) in scope)
        {
            labels[key] = value;
        }

        foreach ((string key, object? value) in tags)
        {
            string text = Value(value);
            string name = MetricNames.Label(key ?? "");
            if (text.Length > 0)
            {
                labels[name] = labels.TryGetValue(name, out string? before) ? $"{before};{text}" : text; // an empty label is an absent one
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
        foreach (char c in text)
        {
            _ = c switch
            {
                '\\' => result.Append("\\\\"),
                '\n' => result.Append("\\n"),
                '"' when quotes => result.Append("\\\""),
                _ => result.Append(c),
            };
        }
    }

    private static string Value(object? value) => value switch
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
