namespace Coach.Llm;

/// <summary>What telemetry may hold: <c>Coach:Llm:Telemetry</c>.</summary>
public sealed class LlmTelemetryOptions
{
    /// <summary>
    /// Whether chat spans carry the messages and the answer (<c>gen_ai.input.messages</c>,
    /// <c>gen_ai.output.messages</c>, <c>gen_ai.system_instructions</c>). These are people's words: whoever reads the
    /// traces reads them. The session's key and whatever looks like a key is masked. Also read from
    /// <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c>.
    /// </summary>
    /// <value>False unless set.</value>
    public bool CaptureMessageContent { get; set; }

    /// <summary>
    /// Whether calls go by the GenAI conventions' newest names, in place of those that Coach's dashboards and alerts
    /// read: <c>gen_ai.client.inference.*</c> and <c>gen_ai.client.embeddings.*</c> for the metrics,
    /// <c>gen_ai.usage.cache_write.input_tokens</c> on spans. Also asked for by <c>gen_ai_latest_experimental</c> in
    /// <c>OTEL_SEMCONV_STABILITY_OPT_IN</c>.
    /// </summary>
    /// <value>False unless set.</value>
    public bool LatestNames { get; set; }

    /// <summary>
    /// The longest text that a captured attribute holds, in characters; the first messages that do not fit are cut.
    /// </summary>
    /// <value>100 to 1,000,000; 16,384 unless set.</value>
    public int MaxContentLength { get; set; } = 16 * 1024;
}
