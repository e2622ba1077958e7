using Microsoft.Extensions.Logging;

namespace Coach.Payments.Telemetry;

/// <summary>Where the parts of one registration report what they do.</summary>
internal sealed record PaymentTelemetry(PaymentMetrics Metrics, ILogger Logger);
