using Microsoft.Extensions.DependencyInjection;

namespace Coach.Observability;

/// <summary>What <c>AddCoachObservability</c> returns: add-ons hang their own methods on it.</summary>
public sealed class CoachObservabilityBuilder
{
    internal CoachObservabilityBuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }
}
