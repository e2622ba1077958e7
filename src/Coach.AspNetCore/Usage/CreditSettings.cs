using Coach.Usage;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>What credits cost and what is on sale.</summary>
internal sealed class CreditSettings(IOptions<CoachCreditOptions> credits, IOptions<CoachCreditPackOptions> packs)
{
    public CoachCreditOptions Credits => credits.Value;

    public CoachCreditPackOptions Packs => packs.Value;
}
