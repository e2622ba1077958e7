using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>A container with Coach.Llm, a virtual clock and, if given, a stub in place of the network.</summary>
internal static class LlmHost
{
    public static ServiceProvider Build(
        HttpMessageHandler? network = null, VirtualClock? clock = null, Action<CoachLlmOptions>? options = null,
        Action<CoachLlmBuilder>? configure = null, Dictionary<string, string?>? settings = null) => new TestHost(
        services =>
        {
            CoachLlmBuilder builder = services.AddCoachLlm(options);
            if (network is not null)
            {
                builder.HttpClient.ConfigurePrimaryHttpMessageHandler(() => network);
            }

            configure?.Invoke(builder);
        },
        clock ?? new VirtualClock(), settings).Services;

    public static ApiKey Key(string provider, string value) => new(provider, Secret.From(value));
}
