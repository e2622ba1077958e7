using System.Runtime.CompilerServices;
using Coach.Usage.Chat;
using Coach.Usage.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Usage;

/// <summary>
/// Lets a caller pay for answers with credits: sets the price aside before the question, spends it when there is an
/// answer, gives it back when there is none. The price is the host's a turn, or what the call cost and a markup.
/// </summary>
public sealed class CreditChatClient : DelegatingChatClient
{
    private readonly CreditCall _call;

    internal CreditChatClient(IChatClient inner, CreditCall call)
        : base(inner) => _call = call;

    /// <inheritdoc />
    /// <exception cref="UsageException">The balance does not cover the call; nothing was asked.</exception>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var turn = new Turn(await _call.ReserveAsync(list, options, cancellationToken).ConfigureAwait(false));
        UsageScope? outer = UsageScope.Current;
        UsageScope.Current = turn.Scope;
        try
        {
            ChatResponse response = await base.GetResponseAsync(list, options, cancellationToken).ConfigureAwait(false);
            turn.HasAnswer = true;
            return response;
        }
        finally
        {
            UsageScope.Current = outer;
            await EndAsync(turn).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    /// <exception cref="UsageException">The balance does not cover the call; nothing was asked.</exception>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var turn = new Turn(await _call.ReserveAsync(list, options, cancellationToken).ConfigureAwait(false));
        try
        {
            IAsyncEnumerator<ChatResponseUpdate> updates =
                base.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
            try
            {
                while (true)
                {
                    UsageScope? outer = UsageScope.Current;
                    UsageScope.Current = turn.Scope;
                    try
                    {
                        if (!await updates.MoveNextAsync().ConfigureAwait(false))
                        {
                            break;
                        }
                    }
                    finally
                    {
                        UsageScope.Current = outer;
                    }

                    turn.HasAnswer |= updates.Current.Text is { Length: > 0 };
                    yield return updates.Current;
                }
            }
            finally
            {
                // Before the settlement: what is below sums a stopped call up when it is disposed.
                UsageScope.Current = turn.Scope;
                await updates.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await EndAsync(turn).ConfigureAwait(false);
        }
    }

    private async ValueTask EndAsync(Turn turn)
    {
        try
        {
            MicroAmount price = _call.PriceOf(turn.Scope.Cost, turn.HasAnswer);
            if (price.IsZero)
            {
                await _call.Credits.ReleaseAsync(turn.Reservation, CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                await _call.Credits.SettleAsync(turn.Reservation, price, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (CoachException exception)
        {
            _call.Recorder.Logger.SettleFailed(turn.Reservation.Id, exception.Code);
        }
    }

    private sealed record Turn(CreditReservation Reservation)
    {
        public UsageScope Scope { get; } = new(Reservation.Id);

        public bool HasAnswer { get; set; }
    }
}
