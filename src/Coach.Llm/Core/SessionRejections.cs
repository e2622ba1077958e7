using System.Diagnostics.Metrics;

namespace Coach.Llm.Core;

/// <summary>Counts new sessions that were refused: <c>coach.llm.session_rejections</c> by reason.</summary>
internal sealed class SessionRejections(MeterSource meter)
{
    public const string Sessions = "sessions";
    public const string Memory = "memory";

    private readonly Counter<long> _rejections = meter.Meter.CreateCounter<long>(
        "coach.llm.session_rejections", "{session}", "New sessions refused, by reason: sessions, memory.");

    public void Add(string reason) => _rejections.Add(1, new KeyValuePair<string, object?>("reason", reason));
}
