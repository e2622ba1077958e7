using System.Text;
using OpenTelemetry.Resources;

namespace Coach.AspNetCore;

/// <summary>
/// The resource's attributes as <c>target_info</c> (specification/compatibility/prometheus_and_openmetrics.md, "Resource Attributes"):
/// an info in OpenMetrics, a gauge in text, which has no infos.
/// </summary>
internal sealed class TargetInfo
{
    /// <summary>The names that no instrument may take besides.</summary>
    public static readonly IReadOnlyList<string> Names = ["target", "target_info"];

    private readonly byte[] _text;
    private readonly byte[] _openMetrics;

    private TargetInfo(string labels)
    {
        string sample = $"target_info{{{labels}}} 1\n";
        _text = Encoding.UTF8.GetBytes("# HELP target_info Attributes of the resource that this page is about.\n# TYPE target_info gauge\n" + sample);
        _openMetrics = Encoding.UTF8.GetBytes("# TYPE target info\n# HELP target Attributes of the resource that this page is about.\n" + sample);
    }

    /// <summary>Null for a resource without attributes.</summary>
    public static TargetInfo? Of(Resource resource)
    {
        string labels = SeriesText.Labels([.. resource.Attributes.Select(attribute => new KeyValuePair<string, object?>(attribute.Key, attribute.Value))], []);
        return labels.Length == 0 ? null : new TargetInfo(labels);
    }

    public ReadOnlySpan<byte> Text(bool openMetrics) => openMetrics ? _openMetrics : _text;
}
