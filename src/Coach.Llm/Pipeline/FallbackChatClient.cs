using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Coach.Llm.Pipeline;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm;

/// <summary>
/// Asks its targets in order until one answers. It moves on after a transient failure or when no first token came in
/// time; never after a refused key, a wrong request or a cancellation, and never once a token was shown unless asked
/// to. A target that failed is passed over for a while. Which target answered stands in the response.
/// </summary>
/// <remarks>
/// Safe for concurrent use. Thoughts and their signatures are dropped from what other targets than the first are sent:
/// they are valid only where they were made.
/// </remarks>
public sealed class FallbackChatClient : IChatClient
{
    /// <summary>
    /// The key in a response's additional properties under which the name of the target that answered stands.
    /// </summary>
    public const string TargetProperty = "coach.target";

    /// <summary>
    /// The key under which the names of the targets that were given up for this answer stand, joined by commas; absent
    /// if none was.
    /// </summary>
    public const string FallbackFromProperty = "coach.fallback_from";

    /// <summary>
    /// The key under which <c>true</c> stands in the first update after a restart; what was shown before is void.
    /// </summary>
    public const string RestartedProperty = "coach.restarted";

    private readonly FallbackTargets _targets;
    private readonly FallbackOptions _options;
    private readonly TimeProvider _time;

    /// <summary>Joins targets.</summary>
    /// <param name="targets">1 to 10 targets with different names, the preferred one first.</param>
    /// <param name="options">When to move on; read once. The defaults unless given.</param>
    /// <param name="timeProvider">The clock; the system's unless given.</param>
    /// <param name="meterFactory">Where the counter <c>coach.llm.fallbacks</c> is made; the process's own meter unless
    /// given.</param>
    /// <param name="logger">Where fallbacks are reported, as warnings.</param>
    /// <exception cref="ArgumentException">There are none or too many targets, two share a name, or an option is out of
    /// range.</exception>
    public FallbackChatClient(
        IReadOnlyList<FallbackTarget> targets,
        FallbackOptions? options = null,
        TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null,
        ILogger<FallbackChatClient>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(targets);
        _options = options ?? new FallbackOptions();
        _time = timeProvider ?? TimeProvider.System;
        if (_options.Problem() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }

        var services = new FallbackServices(_time, logger ?? (ILogger)NullLogger.Instance, meterFactory);
        _targets = new FallbackTargets(targets, _options, services);
    }

    // For targets whose cool-downs outlive this client; the options were checked at start.
    internal FallbackChatClient(FallbackTargets targets, TimeProvider time)
    {
        _targets = targets;
        _options = targets.Options;
        _time = time;
    }

    /// <inheritdoc />
    /// <exception cref="LlmException">The last target's failure, or one that other targets would not mend.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        FallbackAttempts run = await _targets.BeginAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            FallbackTarget target = run.Current;
            using Deadline limit = FirstTokenLimit(run, cancellationToken);
            try
            {
                ChatResponse response = await target.Client.GetResponseAsync(
                    FallbackAttempts.MessagesFor(run, list), FallbackAttempts.OptionsFor(run, options), limit.Token)
                        .ConfigureAwait(false);
                await run.AnsweredAsync().ConfigureAwait(false);
                run.Label(response.AdditionalProperties ??= []);
                return response;
            }
            catch (Exception exception) when (run.MoveOn(Meaning(exception, limit, target), cancellationToken))
            {
                await run.TellAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (limit.HasPassed)
            {
                throw TimedOut(target, limit);
            }
        }
    }

    /// <inheritdoc />
    /// <exception cref="LlmException">The last target's failure, one that other targets would not mend, or one in the
    /// middle of the answer.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        FallbackAttempts run = await _targets.BeginAsync(cancellationToken).ConfigureAwait(false);
        bool wasShown = false;
        bool isRestart = false;
        bool isDone = false;
        while (!isDone)
        {
            FallbackTarget target = run.Current;
            using Deadline limit = FirstTokenLimit(run, cancellationToken);
            IAsyncEnumerator<ChatResponseUpdate> updates;
            try
            {
                updates = target.Client.GetStreamingResponseAsync(
                    FallbackAttempts.MessagesFor(
                        run, list), FallbackAttempts.OptionsFor(run,
                        options), limit.Token).GetAsyncEnumerator(limit.Token);
            }
            catch (Exception exception) when (
                (!wasShown || _options.RestartAfterFirstToken)
                    && run.MoveOn(Meaning(exception, limit, target), cancellationToken))
            {
                await run.TellAsync().ConfigureAwait(false);
                isRestart = wasShown;
                continue; // a client may also fail when it is called, before anyone reads
            }

            await using (updates.ConfigureAwait(false))
            {
                bool isFirst = true;
                bool hasToken = false;
                while (true)
                {
                    try
                    {
                        if (!await updates.MoveNextAsync().ConfigureAwait(false))
                        {
                            await run.AnsweredAsync().ConfigureAwait(false);
                            isDone = true;
                            break;
                        }
                    }
                    catch (Exception exception) when (
                        (!wasShown || _options.RestartAfterFirstToken)
                            && run.MoveOn(Meaning(exception, limit, target), cancellationToken))
                    {
                        await run.TellAsync().ConfigureAwait(false);
                        isRestart = wasShown;
                        break;
                    }
                    catch (OperationCanceledException) when (limit.HasPassed)
                    {
                        throw TimedOut(target, limit);
                    }

                    ChatResponseUpdate update = updates.Current;
                    if (isFirst)
                    {
                        run.Label(update.AdditionalProperties ??= []);
                        if (isRestart)
                        {
                            update.AdditionalProperties[RestartedProperty] = true;
                            isRestart = false;
                        }

                        isFirst = false;
                    }

                    if (!hasToken && update.Contents.Any(content => content is not UsageContent))
                    {
                        limit.Lift();
                        hasToken = wasShown = true;
                    }

                    yield return update;
                }
            }
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(
            this) ? this : _targets.First.Client.GetService(serviceType, serviceKey);
    }

    /// <summary>Disposes the targets, unless they are the caller's.</summary>
    public void Dispose() => _targets.Dispose();

    // The last target has nobody to hand over to, so it may take its time.
    private Deadline FirstTokenLimit(FallbackAttempts run, CancellationToken cancellationToken) =>
        new((run.HasNext ? _options.FirstTokenTimeout : null) ?? Timeout.InfiniteTimeSpan, _time, cancellationToken);

    // The cancellation that the limit caused, as what it means.
    private static Exception Meaning(Exception exception, Deadline limit, FallbackTarget target) =>
        exception is OperationCanceledException && limit.HasPassed ? TimedOut(target, limit) : exception;

    private static LlmException TimedOut(FallbackTarget target, Deadline limit) =>
        LlmException.TimedOut(target.Name, "FallbackOptions.FirstTokenTimeout", limit.Limit);
}
