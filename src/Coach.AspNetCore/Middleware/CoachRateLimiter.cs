using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// Token buckets a session and an address over the endpoints that Coach maps; everything else is left alone.
/// </summary>
internal sealed class CoachRateLimiter(IOptions<CoachRateLimitOptions> limits) : IConfigureOptions<RateLimiterOptions>
{
    public void Configure(RateLimiterOptions options)
    {
        CoachRateLimitOptions chosen = limits.Value;
        options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        // Token buckets in a chain, the address first: whoever throws cookies away to get fresh sessions still drains
        // the bucket of the address.
        options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, string>(context => IsLimited(context)
                ? Bucket(
                    $"address:{Network(context.Connection.RemoteIpAddress)}",
                    chosen.AddressBurst,
                    chosen.AddressPerMinute)
                : RateLimitPartition.GetNoLimiter("")),
            PartitionedRateLimiter.Create<HttpContext, string>(
                context => context.Features.Get<CoachSession>() is { } session
                ? Bucket($"session:{session.Id.Value}", chosen.SessionBurst, chosen.SessionPerMinute)
                : RateLimitPartition.GetNoLimiter("")));
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

    // Whoever has one IPv6 address has the 2^64 of its network, so the network counts (RFC 4291 §2.5.1).
    internal static IPAddress? Network(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6 })
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    private static bool IsLimited(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<CoachApiMetadata>() is not null;

    private static RateLimitPartition<string> Bucket(string key, int burst, int perMinute) =>
        RateLimitPartition.GetTokenBucketLimiter(key, _ =>
    {
        // One token at a time where that is at least 100 ms apart, more at once above that rate.
        TimeSpan period = TimeSpan.FromMinutes(1) / perMinute;
        int tokens = 1;
        if (period < TimeSpan.FromMilliseconds(100))
        {
            tokens = (int)Math.Ceiling(perMinute / 600.0);
            period = TimeSpan.FromMinutes(1) * tokens / perMinute;
        }

        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = burst,
            TokensPerPeriod = Math.Min(tokens, burst),
            ReplenishmentPeriod = period,
            QueueLimit = 0,
            AutoReplenishment = true,
        };
    });
}

/// <summary>Marks an endpoint that Coach maps and that anyone may call: it is rate limited by address.</summary>
internal sealed class CoachApiMetadata
{
    public static readonly CoachApiMetadata Instance = new();
}
