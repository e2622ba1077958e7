using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Llm.Replays;

/// <summary>What came of a case.</summary>
internal sealed class ReplayOutcome
{
    public ChatResponse? Response { get; set; }

    public KeyValidation? Validation { get; set; }

    public IReadOnlyList<Embedding<float>>? Vectors { get; set; }

    public SpeechAnswer? Speech { get; set; }

    public Exception? Exception { get; set; }

    public double Milliseconds { get; set; }
}

/// <summary>Runs a case through a session's own client, as a host would.</summary>
internal static class ReplayRunner
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task<ReplayOutcome> RunAsync(ReplayCase replay, ReplayServer server)
    {
        string section = replay.Provider switch
        {
            "openai" => "OpenAI",
            "openai-compatible" => "OpenAICompatible",
            "openrouter" => "OpenRouter",
            var name => char.ToUpperInvariant(name[0]) + name[1..],
        };
        var settings = new Dictionary<string, string?>
        {
            [$"Coach:Llm:{section}:BaseUrl"] = server.Address + replay.Base,
            ["Coach:Llm:Requests:MaxRetries"] = "0",
            ["Coach:Llm:Cartesia:VoiceId"] = "voice",
        };
        foreach ((string name, string value) in replay.Settings)
        {
            settings[name] = value;
        }

        IServiceCollection services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .AddLogging();
        services.AddCoachLlm();
        await using ServiceProvider provider = services.BuildServiceProvider();
        var outcome = new ReplayOutcome();
        using var limit = new CancellationTokenSource(Limit);
        long from = Stopwatch.GetTimestamp();
        try
        {
            await CallAsync(replay, provider, outcome, limit.Token);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            outcome.Exception = exception;
        }

        outcome.Milliseconds = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        return outcome;
    }

    private static async Task CallAsync(
        ReplayCase replay, ServiceProvider provider, ReplayOutcome outcome, CancellationToken cancellationToken)
    {
        var key = new ApiKey(replay.Provider, Secret.From(replay.Key ?? DefaultKey(replay.Provider)));
        var session = SessionId.From("replay");
        ISessionClientRegistry registry = provider.GetRequiredService<ISessionClientRegistry>();
        switch (replay.Call)
        {
            case "validate":
                outcome.Validation = await provider.GetRequiredService<IApiKeyValidator>().ValidateAsync(key, cancellationToken);
                break;
            case "embed":
                using (ClientLease<IEmbeddingGenerator<string, Embedding<float>>> lease =
                    await registry.AcquireAsync<IEmbeddingGenerator<string, Embedding<float>>>(session, key, cancellationToken))
                {
                    outcome.Vectors = await lease.Client.GenerateAsync(
                        replay.Texts, ReplayRequest.EmbeddingOptions(replay.Options), cancellationToken);
                }

                break;
            case "speech":
                using (ClientLease<ISpeechSynthesizer> lease = await registry.AcquireAsync<ISpeechSynthesizer>(session, key, cancellationToken))
                {
                    outcome.Speech = await lease.Client.SynthesizeAsync(
                        replay.Texts.FirstOrDefault() ?? "hello", cancellationToken: cancellationToken);
                }

                break;
            default:
                using (ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(session, key, cancellationToken))
                {
                    outcome.Response = await ChatAsync(replay, lease.Client, cancellationToken);
                }

                break;
        }
    }

    private static async Task<ChatResponse> ChatAsync(ReplayCase replay, IChatClient client, CancellationToken cancellationToken)
    {
        ChatOptions options = ReplayRequest.Options(replay);
        if (replay.Invokes && options.Tools is { Count: > 0 })
        {
            client = new ChatClientBuilder(client)
                .UseFunctionInvocation(configure: invocation => invocation.IncludeDetailedErrors = true)
                .Build();
        }

        List<ChatMessage> messages = ReplayRequest.Messages(replay.Messages);
        if (replay.Call == "whole")
        {
            return await client.GetResponseAsync(messages, options, cancellationToken);
        }

        return await client.GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);
    }

    private static string DefaultKey(string provider) => provider switch
    {
        "gemini" => "AIzaSyA-replay-0123456789abcdefghijklmno",
        "anthropic" => "sk-ant-api03-replay-0123456789abcdef",
        "openrouter" => "sk-or-v1-replay0123456789abcdef",
        "openai" => "sk-proj-replay-0123456789abcdef",
        "cartesia" => "sk_car_replay0123456789",
        _ => "sk-replay-0123456789abcdef",
    };
}
