using Microsoft.Extensions.AI;

namespace Coach.Usage.Chat;

/// <summary>Whose credits a call is paid with, and what it costs them.</summary>
internal sealed record CreditCall(
    ICredits Credits, UsageRecorder Recorder, CoachCreditOptions Options, CallEstimate Estimate, string Account)
{
    public ValueTask<CreditReservation> ReserveAsync(
        IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        long micros = Options.PricePerTurnMicros
            ?? WithMarkup(Estimate.MostOf(options, Estimate.CountsOf(messages, options), mustBeKnown: true));
        return Credits.ReserveAsync(
            Account, new MicroAmount(micros, Options.Currency), id: null, cancellationToken);
    }

    /// <summary>A turn is charged when there is an answer, whole or stopped; a cost whenever there is one.</summary>
    public MicroAmount PriceOf(UsageCost? cost, bool hasAnswer)
    {
        long micros = Options.PricePerTurnMicros is { } price
            ? hasAnswer ? price : 0
            : WithMarkup(cost?.Micros ?? 0);
        return new MicroAmount(micros, Options.Currency);
    }

    private long WithMarkup(long micros) =>
        checked(micros + (long)(((Int128)micros * Options.MarkupPercent + 99) / 100));
}
