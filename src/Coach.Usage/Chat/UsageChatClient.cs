using System.Runtime.CompilerServices;
using Coach.Usage.Chat;
using Coach.Usage.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Usage;

/// <summary>
/// Records what each attempt at a provider used: whole answers as the provider counted them; answers that were stopped,
/// cut or failed by its partial counts, else by an estimate that is marked. The cost stands in the answer under
/// <see cref="UsageProperties.Cost"/>.
/// </summary>
/// <remarks>It stands below a fallback, so that each attempt is counted, and above the provider's client.</remarks>
public sealed class UsageChatClient : DelegatingChatClient
{
    private readonly UsageRecorder _recorder;
    private readonly UsageCallOptions _call;
    private readonly ChatClientMetadata? _metadata;

    internal UsageChatClient(IChatClient inner, UsageRecorder recorder, UsageCallOptions call)
        : base(inner)
    {
        (_recorder, _call) = (recorder, call);
        _metadata = inner.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata;
    }

    /// <inheritdoc />
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var attempt = new Attempt(this, list, options);
        try
        {
            ChatResponse response = await base.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
            attempt.Tally.Add(response);
            attempt.Outcome = UsageOutcome.Completed;
            UsageCost? cost = await attempt.RecordAsync().ConfigureAwait(false);
            if (cost is not null)
            {
                (response.AdditionalProperties ??= [])[UsageProperties.Cost] = cost;
            }

            return response;
        }
        catch (Exception exception) when (attempt.Outcome != UsageOutcome.Completed)
        {
            attempt.Outcome = OutcomeOf(exception, cancellationToken);
            await attempt.RecordAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc />
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var attempt = new Attempt(this, list, options);
        try
        {
            IAsyncEnumerator<ChatResponseUpdate> updates =
                base.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (updates.ConfigureAwait(false))
            {
                while (true)
                {
                    try
                    {
                        if (!await updates.MoveNextAsync().ConfigureAwait(false))
                        {
                            attempt.Outcome = UsageOutcome.Completed;
                            break;
                        }
                    }
                    catch (Exception exception)
                    {
                        attempt.Outcome = OutcomeOf(exception, cancellationToken);
                        throw;
                    }

                    attempt.Tally.Add(updates.Current);
                    yield return updates.Current;
                }
            }

            if (await attempt.RecordAsync().ConfigureAwait(false) is { } cost)
            {
                yield return new ChatResponseUpdate
                {
                    Role = ChatRole.Assistant,
                    AdditionalProperties = new() { [UsageProperties.Cost] = cost },
                };
            }
        }
        finally
        {
            // The reader left, or a step failed.
            await attempt.RecordAsync().ConfigureAwait(false);
        }
    }

    private static UsageOutcome OutcomeOf(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException || cancellationToken.IsCancellationRequested
            ? UsageOutcome.Stopped
            : UsageOutcome.Failed;

    private sealed class Attempt
    {
        private readonly UsageChatClient _client;
        private readonly UsageScope? _scope;
        private readonly string _key;
        private bool _isRecorded;

        public Attempt(UsageChatClient client, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
        {
            _client = client;
            _scope = UsageScope.Current;
            _key = _scope is null
                ? "call-" + Guid.NewGuid().ToString("N")
                : string.Create(
                    System.Globalization.CultureInfo.InvariantCulture, $"call-{_scope.Id}-{_scope.NextAttempt()}");
            Tally = new UsageTally(messages, options);
        }

        public UsageTally Tally { get; }

        public UsageOutcome Outcome { get; set; } = UsageOutcome.Stopped;

        /// <summary>What the whole call cost so far; null if it could not be kept.</summary>
        public async ValueTask<UsageCost?> RecordAsync()
        {
            if (_isRecorded)
            {
                return null;
            }

            _isRecorded = true;
            (UsageCounts counts, bool isEstimated) = Tally.Result(Outcome);
            var record = new UsageRecord
            {
                Key = _key,
                Caller = _client._call.Caller,
                Provider = _client._call.Provider ?? _client._metadata?.ProviderName?.ToLowerInvariant() ?? "unknown",
                Model = Tally.Model ?? _client._metadata?.DefaultModelId ?? "",
                Counts = counts,
                IsEstimated = isEstimated,
                Outcome = Outcome,
                Reference = _client._call.Reference,
            };
            UsageRecorder recorder = _client._recorder;
            try
            {
                // Not the caller's token: a stopped answer is exactly one whose token was cancelled.
                UsageCost cost = await recorder.RecordAsync(record, CancellationToken.None).ConfigureAwait(false);
                return _scope?.Add(cost) ?? cost;
            }
            catch (CoachException exception)
            {
                // The answer was made and paid for; it is not withheld because the books are away. The budget still
                // learns what it cost.
                recorder.Logger.SettleFailed(_key, exception.Code);
                UsageCost cost = recorder.Price(record.Provider, record.Model, counts);
                return _scope?.Add(cost) ?? cost;
            }
        }
    }
}
