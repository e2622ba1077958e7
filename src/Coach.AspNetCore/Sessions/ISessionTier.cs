using Coach.Rag;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>Tells how a session would be answered from documents now.</summary>
internal interface ISessionTier
{
    /// <summary>The best tier of the caller's documents, and why no better one can answer.</summary>
    Task<(RagTier Tier, Degradation? Why)> TierAsync(HttpContext context);
}
