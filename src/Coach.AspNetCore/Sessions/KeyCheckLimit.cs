using System.Globalization;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Bounds how many keys an address may have checked, so that the host is of no use for trying stolen ones.
/// </summary>
internal sealed class KeyCheckLimit(IRateLimitStore store, IOptions<CoachRateLimitOptions> options)
{
    /// <summary>Takes one check; a problem when there is none left.</summary>
    public async Task<CoachProblem?> TryAcquireAsync(HttpContext context)
    {
        int checks = options.Value.KeyChecksPerMinute;
        RateLimitDecision decision = await store.TryAcquireAsync(
            $"key-checks:{ClientNetwork.Of(context.Connection.RemoteIpAddress)}",
            new RateLimit(checks, checks),
            cancellationToken: context.RequestAborted).ConfigureAwait(false);
        if (decision.IsGranted)
        {
            return null;
        }

        double seconds = Math.Max(1, Math.Ceiling(decision.RetryAfter.TotalSeconds));
        return new CoachProblem(
            StatusCodes.Status429TooManyRequests,
            ErrorCodes.RateLimited,
            string.Create(
                CultureInfo.InvariantCulture,
                $"Too many keys were entered from this address. Try again in {seconds:0} s."))
        {
            RetryAfter = decision.RetryAfter,
        };
    }
}
