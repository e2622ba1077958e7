using System.Threading.RateLimiting;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// Token buckets a session and an address over the endpoints that Coach maps, kept by the host's
/// <see cref="IRateLimitStore"/>; everything else is left alone.
/// </summary>
internal sealed class StoreRateLimiter(
    IRateLimitStore store, CoachRateLimitOptions options) : PartitionedRateLimiter<HttpContext>
{
    private static readonly Lease Granted = new(isAcquired: true, TimeSpan.Zero);

    // A store may be on another machine, so nothing is decided at once: the middleware then asks again and waits.
    private static readonly Lease Undecided = new(isAcquired: false, TimeSpan.Zero);

    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => null;

    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount) =>
        IsLimited(resource) ? Undecided : Granted;

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(
        HttpContext resource, int permitCount, CancellationToken cancellationToken)
    {
        if (!IsLimited(resource))
        {
            return Granted;
        }

        // The address first: whoever throws cookies away to get fresh sessions still drains the bucket of the address.
        RateLimitDecision byAddress = await store.TryAcquireAsync(
            $"address:{ClientNetwork.Of(resource.Connection.RemoteIpAddress)}",
            new RateLimit(options.AddressBurst, options.AddressPerMinute),
            cancellationToken: cancellationToken).ConfigureAwait(false);
        if (!byAddress.IsGranted)
        {
            return new Lease(isAcquired: false, byAddress.RetryAfter);
        }

        if (resource.Features.Get<CoachSession>() is not { } session)
        {
            return Granted;
        }

        RateLimitDecision bySession = await store.TryAcquireAsync(
            $"session:{session.Id.Value}",
            new RateLimit(options.SessionBurst, options.SessionPerMinute),
            cancellationToken: cancellationToken).ConfigureAwait(false);
        return bySession.IsGranted ? Granted : new Lease(isAcquired: false, bySession.RetryAfter);
    }

    private static bool IsLimited(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<CoachApiMetadata>() is not null;

    private sealed class Lease(bool isAcquired, TimeSpan retryAfter) : RateLimitLease
    {
        public override bool IsAcquired => isAcquired;

        public override IEnumerable<string> MetadataNames => [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            bool isKnown = !isAcquired && metadataName == MetadataName.RetryAfter.Name;
            metadata = isKnown ? retryAfter : null;
            return isKnown;
        }
    }
}

/// <summary>Marks an endpoint that Coach maps and that anyone may call: it is rate limited by address.</summary>
internal sealed class CoachApiMetadata
{
    public static readonly CoachApiMetadata Instance = new();
}
