using System.Collections.Concurrent;
using System.Net;
using Coach.Testing.Providers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Testing;

/// <summary>
/// A real HTTP server on 127.0.0.1 that speaks the protocols of all six providers the way their servers were seen to:
/// model lists and key probes, chat with and without streaming, embeddings, speech, and every kind of refusal. Keys are
/// registered with a state, answers are scripted, faults are put in on demand, and every request is kept to be looked
/// at.
/// </summary>
/// <remarks>Safe for concurrent use. The newest 20,000 requests are kept.</remarks>
public sealed class ProviderFake : IAsyncDisposable
{
    private const int MaxKeptRequests = 20_000;

    private readonly WebApplication _app;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<(string Provider, string Key), KeyEntry> _keys = new();
    private readonly ConcurrentDictionary<string, FakeScript> _scripts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<ProviderRequest> _requests = new();
    private readonly RequestCounter _received = new();
    private readonly RequestCounter _aborted = new();
    private int _answers;
    private int _running;

    private ProviderFake(WebApplication app, TimeProvider time)
    {
        _app = app;
        _time = time;
    }

    /// <summary>The names of the providers it plays.</summary>
    public static IReadOnlyList<string> Providers { get; } =
        ["gemini", "openai", "anthropic", "openrouter", "openai-compatible", "cartesia"];

    /// <summary>The requests received, oldest first.</summary>
    public IReadOnlyList<ProviderRequest> Requests => [.. _requests];

    /// <summary>How many requests were received in all.</summary>
    public int ReceivedRequests => _received.Value;

    /// <summary>How many requests the callers broke off before they were answered in full.</summary>
    public int AbortedRequests => _aborted.Value;

    /// <summary>How many requests are being answered now.</summary>
    public int RunningRequests => Volatile.Read(ref _running);

    /// <summary>Starts the server on a free port.</summary>
    /// <param name="time">The clock that slow answers wait on; the system's unless given.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <returns>The running fake; dispose it to stop the server.</returns>
    public static async Task<ProviderFake> StartAsync(
        TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxResponseBufferSize = 0; // what was sent before a cut has left for the socket
            kestrel.Limits.MinRequestBodyDataRate = null;
        });
        WebApplication app = builder.Build();
        var fake = new ProviderFake(app, time ?? TimeProvider.System);
        app.Run(fake.HandleAsync);
        await app.StartAsync(cancellationToken).ConfigureAwait(false);
        return fake;
    }

    /// <summary>The address to configure as a provider's base URL, in the form in which the provider itself states its
    /// own.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    /// <returns>An address on 127.0.0.1.</returns>
    /// <exception cref="ArgumentException">The provider is not one of them.</exception>
    public Uri BaseUrl(string provider)
    {
        Check(provider);
        string address =
            _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new Uri($"{address}/{provider}" + provider switch
        {
            "openai" or "openai-compatible" => "/v1",
            "openrouter" => "/api/v1",
            _ => "",
        });
    }

    /// <summary>Registers a key, or changes what the provider thinks of it.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    /// <param name="key">The key.</param>
    /// <param name="state">The state.</param>
    /// <param name="retryAfter">The hint that comes with <see cref="ProviderKeyState.RateLimited"/>; 30 seconds unless
    /// given.</param>
    /// <exception cref="ArgumentException">The provider is not one of them, or the key is empty.</exception>
    public void SetKey(
        string provider, string key, ProviderKeyState state = ProviderKeyState.Valid, TimeSpan? retryAfter = null)
    {
        Check(provider);
        ArgumentException.ThrowIfNullOrEmpty(key);
        _keys[(provider, key)] = new KeyEntry(state, retryAfter ?? TimeSpan.FromSeconds(30));
    }

    /// <summary>Adds answers for the next chat calls; when they are used up, the provider's standing answer
    /// serves.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    /// <param name="answers">The answers, in order.</param>
    public void Answer(string provider, params ReadOnlySpan<ScriptedAnswer> answers)
    {
        foreach (ScriptedAnswer answer in answers)
        {
            ScriptOf(provider).Answers.Enqueue(answer);
        }
    }

    /// <summary>Sets the standing answer: what a chat call gets when no scripted one is left.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    /// <param name="answer">Makes the answer; may be called concurrently.</param>
    public void AnswerAlways(string provider, Func<ProviderRequest, ScriptedAnswer> answer) =>
        ScriptOf(provider).Standing = answer;

    /// <summary>Makes the next requests to a provider fail, whatever they ask for.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    /// <param name="fault">How.</param>
    /// <param name="times">How many requests; after them the provider works again.</param>
    public void Fail(string provider, ProviderFault fault, int times = 1)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        ScriptOf(provider).Add(fault, times);
    }

    /// <summary>Takes back the faults that were not used.</summary>
    /// <param name="provider">One of <see cref="Providers"/>.</param>
    public void Recover(string provider) => ScriptOf(provider).Clear();

    /// <summary>Waits until so many requests were received in all.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when they were.</returns>
    public Task WaitForRequestsAsync(int count, CancellationToken cancellationToken = default) =>
        _received.WaitAsync(count, cancellationToken);

    /// <summary>Waits until callers have broken off so many requests in all.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends when they have.</returns>
    public Task WaitForAbortsAsync(int count, CancellationToken cancellationToken = default) =>
        _aborted.WaitAsync(count, cancellationToken);

    /// <summary>Stops the server; hanging requests are dropped.</summary>
    /// <returns>A task that ends when the port is free.</returns>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _app.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private static void Check(string provider)
    {
        if (!Providers.Contains(provider))
        {
            throw new ArgumentException($"'{provider}' is not a provider of this fake; use one of "
                + $"{string.Join(", ", Providers)}.", nameof(provider));
        }
    }

    private FakeScript ScriptOf(string provider)
    {
        Check(provider);
        return _scripts.GetOrAdd(provider, name => new FakeScript(name));
    }

    private async Task HandleAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        ProviderRequest? request =
            await ProviderRequestReader.ReadAsync(context, Providers, [.. _keys.Keys.Select(entry => entry.Key)])
            .ConfigureAwait(false);
        if (request is null)
        {
            context.Response.StatusCode = 404;
            return;
        }

        _requests.Enqueue(request);
        while (_requests.Count > MaxKeptRequests)
        {
            _requests.TryDequeue(out _);
        }

        Interlocked.Increment(ref _running);
        bool isDone = false;
        using CancellationTokenRegistration aborted = context.RequestAborted.Register(() =>
        {
            if (!Volatile.Read(ref isDone) && !_stopping.IsCancellationRequested)
            {
                _aborted.Increment();
            }
        });
        _received.Increment();
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
            FakeScript script = ScriptOf(request.Provider);
            ProviderFault? fault = script.TakeFault();
            Volatile.Write(ref isDone, fault?.Kind is ProviderFault.FaultKind.Reset or ProviderFault.FaultKind.Cut);
            await FakeReplyWriter.WriteAsync(
                context, () => Reply(script, request), fault, request.Provider, _time,
                either.Token).ConfigureAwait(false);
            Volatile.Write(ref isDone, true);
        }
        catch (OperationCanceledException) when (HasEnded(context))
        {
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private FakeReply Reply(FakeScript script, ProviderRequest request)
    {
        // A key nobody registered is what a real server calls invalid; a missing one is, too.
        KeyEntry entry = _keys.GetValueOrDefault((request.Provider, request.Key ?? ""));
        if (entry.State != ProviderKeyState.Valid)
        {
            return ProviderErrorBodies.For(request.Provider, entry.State, request.Key, entry.RetryAfter);
        }

        var call = new FakeCall(request, script.NextAnswer, Interlocked.Increment(ref _answers));
        return request.Provider switch
        {
            "gemini" => GeminiFake.Answer(call),
            "anthropic" => AnthropicFake.Answer(call),
            "cartesia" => CartesiaFake.Answer(call),
            _ => OpenAIFake.Answer(call),
        };
    }

    private bool HasEnded(HttpContext context) =>
        context.RequestAborted.IsCancellationRequested || _stopping.IsCancellationRequested;

    private readonly record struct KeyEntry(ProviderKeyState State, TimeSpan RetryAfter);
}
