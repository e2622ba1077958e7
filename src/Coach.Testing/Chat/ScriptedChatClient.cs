using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Testing;

/// <summary>An <see cref="IChatClient"/> that answers from a script: texts, whole updates, failures, silence and
/// pauses.</summary>
/// <remarks>Safe for concurrent use. Steps are used up in order; when none is left, the last one repeats.</remarks>
public sealed class ScriptedChatClient : IChatClient
{
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<Step> _steps = new();
    private readonly ConcurrentQueue<IReadOnlyList<ChatMessage>> _calls = new();
    private readonly ConcurrentQueue<ChatOptions?> _options = new();
    private readonly ChatClientMetadata _metadata;
    private Step _last = new(
        [new ChatResponseUpdate(ChatRole.Assistant, "scripted") { FinishReason = ChatFinishReason.Stop }], null,
        TimeSpan.Zero, false);

    /// <summary>Makes a client that answers <c>scripted</c> until told otherwise.</summary>
    /// <param name="time">The clock that pauses wait on; the system's unless given.</param>
    /// <param name="providerName">The provider it claims to be.</param>
    /// <param name="modelId">The model it claims to be.</param>
    public ScriptedChatClient(
        TimeProvider? time = null, string providerName = "scripted", string modelId = "scripted-1")
    {
        _time = time ?? TimeProvider.System;
        _metadata = new ChatClientMetadata(providerName, defaultModelId: modelId);
    }

    /// <summary>The messages of each call, in order.</summary>
    public IReadOnlyList<IReadOnlyList<ChatMessage>> Calls => [.. _calls];

    /// <summary>The options of each call, in order.</summary>
    public IReadOnlyList<ChatOptions?> Options => [.. _options];

    /// <summary>Whether the client was disposed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Answers the next call with a text; a stream brings it word by word.</summary>
    /// <param name="text">The text.</param>
    /// <param name="delay">How long to wait before the first word.</param>
    /// <returns>This client.</returns>
    public ScriptedChatClient Answer(string text, TimeSpan delay = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<ChatResponseUpdate> updates =
            [.. ScriptedAnswer.Words(text).Select(word => new ChatResponseUpdate(ChatRole.Assistant, word))];
        var usage = new UsageDetails
        {
            InputTokenCount = 7,
            OutputTokenCount = updates.Count,
            TotalTokenCount = 7 + updates.Count,
        };

        // As providers do it: usage and reason come last, in an update without text.
        updates.Add(new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage)])
        {
            FinishReason = ChatFinishReason.Stop,
        });
        return Add(new Step(updates, null, delay, false));
    }

    /// <summary>Answers the next call with these updates.</summary>
    /// <param name="updates">The updates, in order.</param>
    /// <returns>This client.</returns>
    public ScriptedChatClient Answer(params IReadOnlyList<ChatResponseUpdate> updates) =>
        Add(new Step(updates, null, TimeSpan.Zero, false));

    /// <summary>Fails the next call.</summary>
    /// <param name="exception">With what.</param>
    /// <param name="after">The text that a stream brings before it fails; none unless given.</param>
    /// <returns>This client.</returns>
    public ScriptedChatClient Fail(Exception exception, string after = "")
    {
        ArgumentNullException.ThrowIfNull(exception);
        ArgumentNullException.ThrowIfNull(after);
        return Add(
            new Step(
                [.. ScriptedAnswer.Words(after).Select(word => new ChatResponseUpdate(ChatRole.Assistant, word))],
                exception, TimeSpan.Zero, false));
    }

    /// <summary>Lets the next call wait until it is cancelled.</summary>
    /// <param name="after">The text that a stream brings before it falls silent; none unless given.</param>
    /// <returns>This client.</returns>
    public ScriptedChatClient Hang(string after = "")
    {
        ArgumentNullException.ThrowIfNull(after);
        return Add(
            new Step(
                [.. ScriptedAnswer.Words(after).Select(word => new ChatResponseUpdate(ChatRole.Assistant, word))], null,
                TimeSpan.Zero, true));
    }

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var updates = new List<ChatResponseUpdate>();
        IAsyncEnumerable<ChatResponseUpdate> stream =
            GetStreamingResponseAsync(messages, options, cancellationToken);
        await foreach (ChatResponseUpdate update in stream.ConfigureAwait(false))
        {
            updates.Add(update);
        }

        return updates.ToChatResponse();
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options =
            null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        _calls.Enqueue([.. messages]);
        _options.Enqueue(options);
        if (_steps.TryDequeue(out Step? step))
        {
            _last = step;
        }
        else
        {
            step = _last;
        }

        if (step.Delay > TimeSpan.Zero)
        {
            await Task.Delay(step.Delay, _time, cancellationToken).ConfigureAwait(false);
        }

        foreach (ChatResponseUpdate update in step.Updates)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ChatResponseUpdate copy = update.Clone();
            copy.ModelId ??= _metadata.DefaultModelId;
            copy.ResponseId ??= "scripted";
            yield return copy;
        }

        if (step.Hangs)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
        }

        if (step.Failure is { } failure)
        {
            throw failure;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        if (serviceType == typeof(ChatClientMetadata))
        {
            return _metadata;
        }

        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Notes the disposal; later calls fail.</summary>
    public void Dispose() => IsDisposed = true;

    private ScriptedChatClient Add(Step step)
    {
        _steps.Enqueue(step);
        return this;
    }

    private sealed record Step(
        IReadOnlyList<ChatResponseUpdate> Updates, Exception? Failure, TimeSpan Delay, bool Hangs);
}
