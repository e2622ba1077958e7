using System.Globalization;
using System.Threading.RateLimiting;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>Puts Coach's limits into ASP.NET's rate limiter, and says what a refusal looks like.</summary>
internal sealed class CoachRateLimiter(
    IOptions<CoachRateLimitOptions> limits, IRateLimitStore store) : IConfigureOptions<RateLimiterOptions>
{
    public void Configure(RateLimiterOptions options)
    {
        options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        options.GlobalLimiter = new StoreRateLimiter(store, limits.Value);
        options.OnRejected = static async (rejected, _) =>
        {
            TimeSpan wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan known)
                ? known
                : TimeSpan.FromSeconds(1);
            double seconds = Math.Max(1, Math.Ceiling(wait.TotalSeconds));
            await new CoachProblem(
                StatusCodes.Status429TooManyRequests,
                ErrorCodes.RateLimited,
                string.Create(CultureInfo.InvariantCulture, $"Too many requests. Try again in {seconds:0} s."))
            {
                RetryAfter = wait,
            }.ExecuteAsync(rejected.HttpContext).ConfigureAwait(false);
        };
    }
}
