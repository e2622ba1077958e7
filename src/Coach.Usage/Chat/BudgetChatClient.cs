using System.Runtime.CompilerServices;
using Coach.Usage.Chat;
using Coach.Usage.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Coach.Usage;

/// <summary>
/// Reserves a model call before it is made, from the size of its prompt, the most it may answer and the price; settles
/// it with what all its attempts used, whether the answer was whole, stopped, cut or failed.
/// </summary>
/// <remarks>
/// It stands above a fallback and below the tools: one reservation a model call. With a <see cref="UsageChatClient"/>
/// below it, attempts are summed; without one it counts the answer itself, and keeps no ledger.
/// </remarks>
public sealed class BudgetChatClient : DelegatingChatClient
{
    private readonly IBudget _budget;
    private readonly UsageRecorder _recorder;
    private readonly CoachUsageOptions _options;
    private readonly UsageCallOptions _call;
    private readonly CallEstimate _estimate;
    private readonly TimeProvider _time;

    internal BudgetChatClient(
        IChatClient inner, IBudget budget, UsageRecorder recorder, IOptions<CoachUsageOptions> options,
        UsageCallOptions call, TimeProvider time)
        : base(inner)
    {
        ArgumentNullException.ThrowIfNull(recorder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(time);
        (_budget, _recorder, _options, _call, _time) = (budget, recorder, options.Value, call, time);
        _estimate = new CallEstimate(
            recorder, options.Value, call, inner.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata);
    }

    /// <inheritdoc />
    /// <exception cref="UsageException">The budget does not allow the call; nothing was asked.</exception>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        Call call = await BeginAsync(list, options, cancellationToken).ConfigureAwait(false);
        UsageScope? outer = UsageScope.Current;
        UsageScope.Current = call.Scope;
        try
        {
            ChatResponse response = await base.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
            call.Tally.Add(response);
            call.Outcome = UsageOutcome.Completed;
            return response;
        }
        catch (Exception exception)
        {
            call.Failed(exception, cancellationToken);
            throw;
        }
        finally
        {
            UsageScope.Current = outer;
            await EndAsync(call).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    /// <exception cref="UsageException">The budget does not allow the call; nothing was asked.</exception>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        Call call = await BeginAsync(list, options, cancellationToken).ConfigureAwait(false);
        try
        {
            IAsyncEnumerator<ChatResponseUpdate> updates =
                base.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
            try
            {
                while (true)
                {
                    UsageScope? outer = UsageScope.Current;
                    UsageScope.Current = call.Scope;
                    try
                    {
                        if (!await updates.MoveNextAsync().ConfigureAwait(false))
                        {
                            call.Outcome = UsageOutcome.Completed;
                            break;
                        }
                    }
                    catch (Exception exception)
                    {
                        call.Failed(exception, cancellationToken);
                        throw;
                    }
                    finally
                    {
                        UsageScope.Current = outer;
                    }

                    call.Tally.Add(updates.Current);
                    await RenewAsync(call).ConfigureAwait(false);
                    yield return updates.Current;
                }
            }
            finally
            {
                // Before the settlement: what is below records a stopped attempt when it is disposed.
                UsageScope.Current = call.Scope;
                await updates.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await EndAsync(call).ConfigureAwait(false);
        }
    }

    private async ValueTask<Call> BeginAsync(
        IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        UsageCounts counts = _estimate.CountsOf(messages, options);
        BudgetReservation reservation = await _budget.ReserveAsync(
            new BudgetRequest
            {
                Caller = _call.Caller,
                Provider = _call.Provider ?? "",
                CostMicros = _estimate.MostOf(options, counts, mustBeKnown: false),
                Tokens = counts.TotalTokens,
                IsHostPaid = _call.IsHostPaid,
            },
            cancellationToken).ConfigureAwait(false);
        return new Call(reservation, new UsageScope(reservation.Id), new UsageTally(messages, options))
        {
            Outer = UsageScope.Current,
            RenewedAt = _time.GetTimestamp(),
        };
    }

    // A third of a lease: two renewals may fail before the reservation ends.
    private async ValueTask RenewAsync(Call call)
    {
        if (_time.GetElapsedTime(call.RenewedAt) < _options.Lease / 3)
        {
            return;
        }

        call.RenewedAt = _time.GetTimestamp();
        try
        {
            await _budget.RenewAsync(call.Reservation, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CoachException)
        {
            // The store is away. The answer goes on; what it used is settled at its end.
        }
    }

    private async ValueTask EndAsync(Call call)
    {
        UsageCost cost = call.Scope.Cost ?? Own(call);
        call.Outer?.Add(cost);
        try
        {
            // Not the caller's token: a stopped answer is exactly one whose token was cancelled.
            if (cost is { Micros: 0, Counts.TotalTokens: 0 } && call.Outcome == UsageOutcome.Failed)
            {
                await _budget.ReleaseAsync(call.Reservation, CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                await _budget.SettleAsync(
                    call.Reservation, cost.Micros, cost.Counts.TotalTokens, CancellationToken.None)
                    .ConfigureAwait(false);
            }
        }
        catch (CoachException exception)
        {
            _recorder.Logger.SettleFailed(call.Reservation.Id, exception.Code);
        }
    }

    private UsageCost Own(Call call)
    {
        (UsageCounts counts, bool isEstimated) = call.Tally.Result(call.Outcome);
        return _recorder.Price(_estimate.Provider, _estimate.ModelOf(call.Tally.Model), counts) with
        {
            IsEstimated = isEstimated,
        };
    }

    private sealed record Call(BudgetReservation Reservation, UsageScope Scope, UsageTally Tally)
    {
        public UsageOutcome Outcome { get; set; } = UsageOutcome.Stopped;

        public long RenewedAt { get; set; }

        /// <summary>What this call is a part of, such as a turn that is paid with credits.</summary>
        public UsageScope? Outer { get; init; }

        public void Failed(Exception exception, CancellationToken cancellationToken) =>
            Outcome = exception is OperationCanceledException || cancellationToken.IsCancellationRequested
                ? UsageOutcome.Stopped
                : UsageOutcome.Failed;
    }
}
