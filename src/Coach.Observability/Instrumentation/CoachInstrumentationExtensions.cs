using Coach.Observability;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what the Coach packages emit to OpenTelemetry.</summary>
public static class CoachInstrumentationExtensions
{
    /// <summary>Listens to the meters of the Coach packages, the GenAI metrics of Coach.Llm included.</summary>
    /// <param name="builder">The host's meter provider builder.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static MeterProviderBuilder AddCoachInstrumentation(this MeterProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddMeter([.. CoachTelemetry.MeterNames]);
    }

    /// <summary>Listens to the activity sources of the Coach packages.</summary>
    /// <param name="builder">The host's tracer provider builder.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TracerProviderBuilder AddCoachInstrumentation(this TracerProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddSource([.. CoachTelemetry.ActivitySourceNames]);
    }
}
