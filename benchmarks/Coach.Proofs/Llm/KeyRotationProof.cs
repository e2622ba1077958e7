using System.Collections.Concurrent;
using System.Diagnostics;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Proofs.Llm;

/// <summary>What became of calls while every key was replaced.</summary>
/// <param name="Cases">Calls in all.</param>
/// <param name="Failed">Calls that did not end in the whole answer, and answers with a key that should not have given them.</param>
/// <param name="Seed">Decides when calls begin.</param>
/// <param name="Streams">Answers that ran with the old keys while these were replaced and refused.</param>
/// <param name="Repeated">Requests that an old key began and that were made again with the new one.</param>
/// <param name="OldKeyBeganAnew">Answers that an old key began after it was replaced.</param>
/// <param name="HostCalls">Calls with the host's own key across its rotation.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Failures">The kinds of failure, with their number.</param>
internal sealed record KeyRotationResult(
    int Cases, int Failed, int Seed, int Streams, int Repeated, int OldKeyBeganAnew, int HostCalls, double Seconds,
    IReadOnlyDictionary<string, int> Failures);

/// <summary>
/// Every session has an answer running when its key is replaced and the provider stops taking the old one, while other calls of the session
/// begin before, during and after. Then the host's own key is rotated: the provider learns the new one late and forgets the old one early.
/// </summary>
internal sealed class KeyRotationProof(int streams, int seed)
{
    private const int CallsPerSession = 4;
    private const int HostCallsPerPhase = 50;

    private readonly ConcurrentDictionary<string, int> _failures = new();
    private int _cases;

    public async Task<KeyRotationResult> RunAsync()
    {
        long start = Stopwatch.GetTimestamp();
        await using KeyedProvider provider = await KeyedProvider.StartAsync();
        await using ServiceProvider services = Build(provider);
        var chat = services.GetRequiredService<SessionChatClients>();
        var keys = services.GetRequiredService<ISessionKeyStore>();
        for (int i = 0; i < streams; i++)
        {
            provider.Set(Old(i), KeyFate.Answers);
            provider.Set(New(i), KeyFate.Answers);
            await keys.SetAsync(Session(i), Key(Old(i)));
        }

        var running = new List<Task>(streams);
        var begun = new CountdownEvent(streams);
        for (int i = 0; i < streams; i++)
        {
            running.Add(CallAsync(chat, Session(i), "hold on", begun));
        }

        await Task.Run(begun.Wait);
        var random = new Random(seed);
        var others = new List<Task>(streams * (CallsPerSession + 1));
        for (int i = 0; i < streams; i++)
        {
            int session = i;
            int rotateAt = random.Next(400);
            others.Add(RotateAsync(provider, keys, session, rotateAt));
            for (int call = 0; call < CallsPerSession; call++)
            {
                int at = random.Next(600);
                others.Add(Task.Run(async () =>
                {
                    await Task.Delay(at);
                    await CallAsync(chat, Session(session), "hi", null);
                }));
            }
        }

        await Task.WhenAll(others);
        int before = Enumerable.Range(0, streams).Sum(i => provider.AnsweredWith(Old(i)));
        await Task.WhenAll(Enumerable.Range(0, streams).Select(i => CallAsync(chat, Session(i), "hi", null)));
        int anew = Enumerable.Range(0, streams).Sum(i => provider.AnsweredWith(Old(i))) - before;
        provider.Release();
        await Task.WhenAll(running);
        int repeated = provider.Refused;
        int hostCalls = await RotateHostAsync(provider, services, chat);
        return new KeyRotationResult(
            _cases, _failures.Values.Sum() + anew, seed, streams, repeated, anew, hostCalls,
            Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 1), new SortedDictionary<string, int>(_failures));
    }

    private static ServiceProvider Build(KeyedProvider provider)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["OPENAI_API_KEY"] = "host-new",
            ["OPENAI_API_KEY_PREVIOUS"] = "host-old",
            ["Coach:Llm:HostKeyRotations:openai:PreviousSecret"] = "OPENAI_API_KEY_PREVIOUS",
            ["Coach:Llm:HostKeyRotations:openai:PreviousUntil"] = "2100-01-01T00:00:00Z",
        }).Build();
        var services = new ServiceCollection();
        services.AddSingleton(configuration);
        services.AddLogging();
        services.AddCoachLlm(options =>
        {
            options.OpenAI.BaseUrl = provider.BaseUrl;
            options.Sessions.MaxSessions = 1_000_000;
            options.Requests.MaxRetries = 0; // a call that fails once has failed
            (options.Limits.SessionCallsPerMinute, options.Limits.KeyCallsPerMinute) = (0, 0);
            options.Requests.TotalTimeout = options.Requests.AttemptTimeout = TimeSpan.FromMinutes(10);
            options.Requests.FirstTokenTimeout = options.Requests.IdleTimeout = TimeSpan.FromMinutes(5);
        });
        return services.BuildServiceProvider();
    }

    private static async Task RotateAsync(KeyedProvider provider, ISessionKeyStore keys, int session, int at)
    {
        await Task.Delay(at);
        await keys.SetAsync(Session(session), Key(New(session)));
        provider.Set(Old(session), KeyFate.Refused);
    }

    private async Task<int> RotateHostAsync(KeyedProvider provider, ServiceProvider services, SessionChatClients chat)
    {
        var host = services.GetRequiredService<HostKeys>();
        int calls = 0;
        foreach ((KeyFate old, KeyFate current) in ((KeyFate, KeyFate)[])
            [(KeyFate.Answers, KeyFate.Refused), (KeyFate.Answers, KeyFate.Answers), (KeyFate.Refused, KeyFate.Answers)])
        {
            provider.Set("host-old", old);
            provider.Set("host-new", current);
            await Task.WhenAll(Enumerable.Range(0, HostCallsPerPhase).Select(async i =>
            {
                using FallbackChatClient client = chat.Open(SessionId.From($"host-{i % 5}"), [host.For("openai")[i % 2]]);
                await CountAsync(() => AnswerAsync(client, "hi", null));
            }));
            calls += HostCallsPerPhase;
        }

        return calls;
    }

    private Task CallAsync(SessionChatClients chat, SessionId session, string question, CountdownEvent? begun) => CountAsync(async () =>
    {
        using FallbackChatClient client = await chat.OpenAsync(session) ?? throw new InvalidOperationException("The session has no key.");
        return await AnswerAsync(client, question, begun);
    });

    private static async Task<string> AnswerAsync(FallbackChatClient client, string question, CountdownEvent? begun)
    {
        string text = "";
        try
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(question))
            {
                if (text.Length == 0)
                {
                    begun?.Signal();
                    begun = null;
                }

                text += update.Text;
            }
        }
        finally
        {
            begun?.Signal();
        }

        return text;
    }

    private async Task CountAsync(Func<Task<string>> call)
    {
        Interlocked.Increment(ref _cases);
        string? failure = null;
        try
        {
            failure = await call() == KeyedProvider.Answer ? null : "cut answer";
        }
        catch (LlmException exception)
        {
            failure = exception.Error.ToString();
        }

        if (failure is not null)
        {
            _failures.AddOrUpdate(failure, 1, static (_, count) => count + 1);
        }
    }

    private static string Old(int session) => $"sk-old-{session}";

    private static string New(int session) => $"sk-new-{session}";

    private static SessionId Session(int session) => SessionId.From($"session-{session}");

    private static ApiKey Key(string text) => new("openai", Secret.From(text));
}
