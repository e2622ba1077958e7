using Microsoft.Extensions.AI;

namespace Coach.Usage.Chat;

/// <summary>The most that a call may use and cost, before it is made.</summary>
internal sealed class CallEstimate(
    UsageRecorder recorder, CoachUsageOptions options, UsageCallOptions call, ChatClientMetadata? metadata)
{
    public string Provider => call.Provider ?? metadata?.ProviderName?.ToLowerInvariant() ?? "unknown";

    public string ModelOf(string? model) => model ?? metadata?.DefaultModelId ?? "";

    public UsageCounts CountsOf(IEnumerable<ChatMessage> messages, ChatOptions? chat) => new()
    {
        Input = TokenEstimate.Of(messages, chat),
        Output = chat?.MaxOutputTokens ?? options.ReservedOutputTokens,
        Requests = 1,
    };

    /// <summary>The cost with the dearest of the models that may be asked.</summary>
    /// <exception cref="UsageException">A price is not known, and must be.</exception>
    public long MostOf(ChatOptions? chat, UsageCounts counts, bool mustBeKnown)
    {
        IReadOnlyList<(string Provider, string Model)> candidates = call.Candidates.Count > 0
            ? call.Candidates
            : [(Provider, ModelOf(chat?.ModelId))];
        long most = 0;
        foreach ((string provider, string model) in candidates)
        {
            // The model that the call names; where a provider has no price for it, the one it would be asked instead.
            UsageCost cost = recorder.Price(provider, chat?.ModelId ?? model, counts);
            cost = cost.IsKnown ? cost : recorder.Price(provider, model, counts);
            if (!cost.IsKnown && (mustBeKnown || options.UnknownPrice == UnknownPricePolicy.Refuse))
            {
                throw UsageException.PriceUnknown(provider);
            }

            most = Math.Max(most, cost.Micros);
        }

        return most;
    }
}
