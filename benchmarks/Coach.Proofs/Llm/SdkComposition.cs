using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Anthropic;
using Anthropic.Core;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.SemanticKernel.ChatCompletion;
using OpenAI;

namespace Coach.Proofs.Llm;

/// <summary>What a run of <see cref="SdkComposition"/> found.</summary>
/// <param name="Cases">Calls that were judged, and refusals compared.</param>
/// <param name="Failed">Those among them that came out wrong in any way.</param>
/// <param name="Seed">Decides who asks what, how and through whom.</param>
/// <param name="Users">Who asks, each in a session with keys of their own.</param>
/// <param name="Calls">Calls answered.</param>
/// <param name="Crossings">Answers to another's key or another's question.</param>
/// <param name="Refusals">Refusals through an SDK, of which each is compared with Coach's own client.</param>
/// <param name="Unlike">Those that came out as another error.</param>
/// <param name="Leaks">Refusals whose exception repeats the key that the server echoed.</param>
/// <param name="Measured">Calls that the histogram of durations counted.</param>
/// <param name="Unmeasured">Calls that it did not count.</param>
/// <param name="Undisposed">Clients of the host's that were made and not disposed.</param>
/// <param name="Example">The first thing that was wrong; null if nothing was.</param>
internal sealed record SdkCompositionResult(
    int Cases, int Failed, int Seed, int Users, int Calls, int Crossings, int Refusals, int Unlike, int Leaks, long Measured,
    long Unmeasured, int Undisposed, string? Example);

/// <summary>
/// Two users ask at the same time through leased clients, vendors' SDKs and Coach's own, inside the builders of
/// Microsoft.Extensions.AI, an agent of Microsoft.Agents.AI and Semantic Kernel, streamed and whole.
/// </summary>
internal sealed class SdkComposition(int seed)
{
    private const int Workers = 16;
    private const string SdkOpenAI = "vendor-openai";
    private const string SdkAnthropic = "vendor-anthropic";
    private static readonly string[] Users = ["ada", "grace"];
    private static readonly string[] Clients = [SdkOpenAI, SdkAnthropic, ProviderNames.OpenAI, ProviderNames.Anthropic];
    private static readonly string[] Styles = ["plain", "builder", "agent", "kernel"];

    private readonly SdkServer _server = new();
    private readonly Dictionary<(string User, string Client), ApiKey> _keys = [];
    private readonly ConcurrentQueue<string> _wrong = new();
    private int _made, _disposed, _crossings, _unlike, _leaks;
    private long _measured;

    public async Task<SdkCompositionResult> RunAsync(int calls, CancellationToken cancellationToken = default)
    {
        var random = new Random(seed);
        foreach (string user in Users)
        {
            foreach (string client in Clients)
            {
                string key = $"key-{random.NextInt64():x16}-{random.NextInt64():x16}";
                _keys.Add((user, client), new ApiKey(client, Secret.From(key)));
                _server.Add(key, user);
            }
        }

        int refusals = 0;
        using (var measuring = new MeterListener())
        {
            await using ServiceProvider services = Build();
            object meters = services.GetRequiredService<IMeterFactory>();
            measuring.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "gen_ai.client.operation.duration" && ReferenceEquals(instrument.Meter.Scope, meters))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            measuring.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref _measured));
            measuring.Start();
            var registry = services.GetRequiredService<ISessionClientRegistry>();
            int next = 0;
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
            {
                var dice = new Random(unchecked((seed * 1009) + worker));
                for (int call; (call = Interlocked.Increment(ref next)) <= calls;)
                {
                    await AskAsync(registry, dice, call, cancellationToken);
                }
            }, cancellationToken)));
            foreach ((string sdk, string own, IReadOnlyList<SdkRefusal> scripts) in
                ((string, string, IReadOnlyList<SdkRefusal>)[])[(SdkOpenAI, ProviderNames.OpenAI, SdkServer.OpenAI), (SdkAnthropic, ProviderNames.Anthropic, SdkServer.Anthropic)])
            {
                foreach (SdkRefusal refusal in scripts)
                {
                    foreach (bool isStream in (bool[])[false, true])
                    {
                        refusals += await CompareAsync(registry, sdk, own, refusal, isStream, cancellationToken);
                    }
                }
            }
        }

        // A refusal is asked for in each style through the SDK, and once of Coach's own client for each manner.
        long expected = calls + refusals + (refusals / Styles.Length);
        long unmeasured = expected - Interlocked.Read(ref _measured);
        int undisposed = _made - _disposed;
        if (unmeasured != 0 || undisposed != 0)
        {
            _wrong.Enqueue($"{unmeasured} calls unmeasured, {undisposed} clients undisposed");
        }

        return new SdkCompositionResult(
            calls + refusals, _wrong.Count, seed, Users.Length, calls, _crossings, refusals, _unlike, _leaks, _measured, unmeasured,
            undisposed, _wrong.TryPeek(out string? example) ? example : null);
    }

    private ServiceProvider Build()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddMetrics();
        CoachLlmBuilder builder = services.AddCoachLlm(options =>
        {
            options.OpenAI.BaseUrl = new Uri("http://openai.test/v1/");
            options.OpenAI.Protocol = "chat-completions";
            options.Anthropic.BaseUrl = new Uri("http://anthropic.test/");
            (options.Requests.MaxRetries, options.Requests.CircuitMinimumCalls) = (0, 0);
            (options.Limits.SessionCallsPerMinute, options.Limits.KeyCallsPerMinute, options.Limits.ConcurrentCallsPerSession) = (0, 0, 0);
        });
        builder.HttpClient.ConfigurePrimaryHttpMessageHandler(() => new Borrowed(_server));
        builder.AddProvider(SdkOpenAI, (_, key) => Counted(new OpenAIClient(
            new ApiKeyCredential(key.Secret.Reveal()),
            new OpenAIClientOptions
            {
                Endpoint = new Uri("http://openai.test/v1/"),
                Transport = new HttpClientPipelineTransport(new HttpClient(_server, disposeHandler: false)),
                RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            }).GetChatClient("m").AsIChatClient()), SdkFailures.OpenAI);
        builder.AddProvider(SdkAnthropic, (_, key) => Counted(new AnthropicClient(new ClientOptions
        {
            ApiKey = key.Secret.Reveal(),
            BaseUrl = "http://anthropic.test/",
            HttpClient = new HttpClient(_server, disposeHandler: false),
            MaxRetries = 0,
        }).AsIChatClient("m", 100)), SdkFailures.Anthropic);
        return services.BuildServiceProvider();
    }

    private CountedClient Counted(IChatClient client)
    {
        Interlocked.Increment(ref _made);
        return new CountedClient(client, () => Interlocked.Increment(ref _disposed));
    }

    private async Task AskAsync(ISessionClientRegistry registry, Random dice, int call, CancellationToken cancellationToken)
    {
        string user = Users[dice.Next(Users.Length)];
        string client = Clients[dice.Next(Clients.Length)];
        string style = Styles[dice.Next(Styles.Length)];
        bool isStream = dice.Next(2) == 0;
        string prompt = $"question {call} of {user}, {dice.NextInt64():x16}";
        string expected = $"{user} asked: {prompt}";
        try
        {
            using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(
                SessionId.From(user), _keys[(user, client)], cancellationToken);
            string text = await SayAsync(lease.Client, style, isStream, prompt, cancellationToken);
            if (text != expected)
            {
                _wrong.Enqueue($"{client} in {style}: '{text}' is not '{expected}'");
                Interlocked.Increment(ref _crossings);
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            _wrong.Enqueue($"{client} in {style}: {failure.GetType().Name}: {failure.Message}");
        }
    }

    // The same refusal through an SDK, in each style, is what Coach's own client makes of it.
    private async Task<int> CompareAsync(
        ISessionClientRegistry registry, string sdk, string own, SdkRefusal refusal, bool isStream, CancellationToken cancellationToken)
    {
        LlmException judge = await RefusedAsync(registry, own, "plain", refusal, isStream, cancellationToken) as LlmException
            ?? throw new InvalidOperationException($"Coach's own client of {own} did not fail: {refusal.Name}.");
        foreach (string style in Styles)
        {
            Exception? got = await RefusedAsync(registry, sdk, style, refusal, isStream, cancellationToken);
            if (got is not LlmException failure
                || (failure.Error, failure.HttpStatus, failure.KeyStatus, failure.RetryAfter, failure.ProviderCode, failure.IsTransient)
                    != (judge.Error, judge.HttpStatus, judge.KeyStatus, judge.RetryAfter, judge.ProviderCode, judge.IsTransient)
                || failure.Provider != sdk)
            {
                Interlocked.Increment(ref _unlike);
                _wrong.Enqueue($"{sdk} in {style}, {refusal.Name}: {got?.GetType().Name} {(got as LlmException)?.Error} is not {judge.Error}: {got?.Message}");
            }

            if (got?.ToString().Contains(_keys[(Users[0], sdk)].Secret.Reveal(), StringComparison.Ordinal) == true)
            {
                Interlocked.Increment(ref _leaks);
                _wrong.Enqueue($"{sdk} in {style}, {refusal.Name}: the exception repeats the key");
            }
        }

        return Styles.Length;
    }

    private async Task<Exception?> RefusedAsync(
        ISessionClientRegistry registry, string client, string style, SdkRefusal refusal, bool isStream, CancellationToken cancellationToken)
    {
        try
        {
            using ClientLease<IChatClient> lease = await registry.AcquireAsync<IChatClient>(
                SessionId.From(Users[0]), _keys[(Users[0], client)], cancellationToken);
            await SayAsync(lease.Client, style, isStream, $"refuse {refusal.Name}", cancellationToken);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    private static async Task<string> SayAsync(
        IChatClient client, string style, bool isStream, string prompt, CancellationToken cancellationToken)
    {
        switch (style)
        {
            case "agent":
                var agent = new ChatClientAgent(client, instructions: "Answer.");
                return isStream
                    ? string.Concat(await agent.RunStreamingAsync(prompt, cancellationToken: cancellationToken).Select(update => update.Text).ToListAsync(cancellationToken))
                    : (await agent.RunAsync(prompt, cancellationToken: cancellationToken)).Text;
            case "kernel":
#pragma warning disable SKEXP0001 // Semantic Kernel calls its adapter experimental
                IChatCompletionService service = client.AsChatCompletionService();
#pragma warning restore SKEXP0001
                var history = new ChatHistory(prompt, AuthorRole.User);
                return isStream
                    ? string.Concat(await service.GetStreamingChatMessageContentsAsync(history, cancellationToken: cancellationToken).Select(part => part.Content).ToListAsync(cancellationToken))
                    : (await service.GetChatMessageContentAsync(history, cancellationToken: cancellationToken)).Content ?? "";
            case "builder":
                return await TextAsync(
                    new ChatClientBuilder(client)
                        .ConfigureOptions(options => options.Tools = [AIFunctionFactory.Create(() => "now", "clock")])
                        .UseFunctionInvocation()
                        .UseOpenTelemetry()
                        .UseLogging(NullLoggerFactory.Instance)
                        .Build(),
                    isStream, prompt, cancellationToken);
            default:
                return await TextAsync(client, isStream, prompt, cancellationToken);
        }
    }

    private static async Task<string> TextAsync(IChatClient client, bool isStream, string prompt, CancellationToken cancellationToken) => isStream
        ? (await client.GetStreamingResponseAsync(prompt, cancellationToken: cancellationToken).ToChatResponseAsync(cancellationToken)).Text
        : (await client.GetResponseAsync(prompt, cancellationToken: cancellationToken)).Text;

    /// <summary>The server outlives the clients that use it.</summary>
    private sealed class Borrowed(HttpMessageHandler handler) : DelegatingHandler(handler)
    {
        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class CountedClient(IChatClient inner, Action disposed) : DelegatingChatClient(inner)
    {
        protected override void Dispose(bool disposing)
        {
            disposed();
            base.Dispose(disposing);
        }
    }
}
