using System.Threading.RateLimiting;
using Coach.Llm.Resilience;
using Coach.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Llm.Tests;

public class TokenBucketTests
{
    private readonly VirtualClock _clock = new();

    [Fact]
    public void AttemptAcquire_BurstUsedUp_SaysToTheTickWhenTheNextOneIsFree()
    {
        using var bucket = new TokenBucket(callsPerMinute: 7, burst: 2, _clock);
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        using RateLimitLease refused = bucket.AttemptAcquire();
        Assert.False(refused.IsAcquired);
        Assert.True(refused.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait));
        Assert.Equal(TimeSpan.FromTicks((long)Math.Ceiling(TimeSpan.TicksPerMinute / 7.0)), wait);

        _clock.Advance(wait - TimeSpan.FromTicks(1));
        Assert.False(bucket.AttemptAcquire().IsAcquired);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        Assert.False(bucket.AttemptAcquire().IsAcquired);
    }

    [Fact]
    public void AttemptAcquire_AfterALongPause_GrantsTheBurstAndNoMore()
    {
        using var bucket = new TokenBucket(60, 5, _clock);
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => bucket.AttemptAcquire().IsAcquired));
        Assert.Equal(5, bucket.GetStatistics()!.TotalSuccessfulLeases);
        Assert.Equal(15, bucket.GetStatistics()!.TotalFailedLeases);
    }

    [Fact]
    public void IdleDuration_CountsFromWhenTheBucketIsFullAgain()
    {
        using var bucket = new TokenBucket(60, 2, _clock);
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(3), bucket.IdleDuration);
        bucket.AttemptAcquire();
        Assert.Null(bucket.IdleDuration);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, bucket.IdleDuration);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(2), bucket.IdleDuration);
    }

    [Fact]
    public void GiveBack_CallThatDidNotHappen_CountsForNothing()
    {
        using var bucket = new TokenBucket(60, 1, _clock);
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        bucket.GiveBack();
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        Assert.False(bucket.AttemptAcquire().IsAcquired);
    }

    [Fact]
    public void GiveBack_BucketFullAgain_HoldsNoMoreThanTheBurst()
    {
        using var bucket = new TokenBucket(60, 1, _clock);
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        _clock.Advance(TimeSpan.FromMinutes(1));
        bucket.GiveBack();
        Assert.True(bucket.AttemptAcquire().IsAcquired);
        Assert.False(bucket.AttemptAcquire().IsAcquired);
    }

    /// <summary>Whatever the pattern of calls and pauses: never more than the burst plus what the elapsed time has refilled.</summary>
    [Fact]
    public void AttemptAcquire_AnyPattern_NeverGrantsMoreThanBurstPlusRefill() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(300),
        Prop.ForAll(Gen.Choose(0, 5_000).ListOf().ToArbitrary(), pauses =>
        {
            var clock = new VirtualClock();
            using var bucket = new TokenBucket(callsPerMinute: 120, burst: 3, clock);
            int granted = 0;
            long elapsed = 0;
            foreach (int pause in pauses)
            {
                clock.Advance(TimeSpan.FromMilliseconds(pause));
                elapsed += pause;
                granted += bucket.AttemptAcquire().IsAcquired ? 1 : 0;
                granted += bucket.AttemptAcquire().IsAcquired ? 1 : 0;
                if (granted > 3 + (elapsed / 500.0) + 1e-6)
                {
                    return false;
                }
            }

            return true;
        }));
}
