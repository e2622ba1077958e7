using Coach.Abstractions;

namespace Coach.Redis;

/// <summary>What replicas share in Redis: the section <c>Coach:Redis</c>.</summary>
public sealed class CoachRedisOptions
{
    /// <summary>
    /// Where Redis is, as StackExchange.Redis writes it: <c>host:6379,password=…,ssl=true</c>; with
    /// <c>serviceName=…</c> the hosts are Sentinels.
    /// </summary>
    /// <value><c>ConnectionStrings:Redis</c> unless set.</value>
    public string ConnectionString { get; set; } = "";

    /// <summary>What every key begins with: hosts that share a server but not this name do not meet.</summary>
    /// <value>1 to 50 characters from <c>A–Z a–z 0–9 - _ :</c>; <c>coach</c> unless set.</value>
    public string KeyPrefix { get; set; } = "coach";

    /// <summary>How long one call may take.</summary>
    /// <value>10 milliseconds to 30 seconds; 250 milliseconds unless set.</value>
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>After how many failures in a row calls are refused at once.</summary>
    /// <value>1 to 100; 3 unless set.</value>
    public int FailuresBeforeBreak { get; set; } = 3;

    /// <summary>How long they are refused until one call tries again.</summary>
    /// <value>100 milliseconds to 5 minutes; 1 second unless set.</value>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>What rate limits do while Redis is away.</summary>
    /// <value><see cref="StoreFailurePolicy.FallBackToProcess"/> unless set.</value>
    public StoreFailurePolicy RateLimitsWhenAway { get; set; } = StoreFailurePolicy.FallBackToProcess;

    /// <summary>Whether a session was ended, while Redis is away.</summary>
    /// <value>
    /// <see cref="StoreFailurePolicy.FallBackToProcess"/> unless set: the ends that this process knows hold, and keys
    /// of sessions are not readable then anyway.
    /// </value>
    public StoreFailurePolicy EndedSessionsWhenAway { get; set; } = StoreFailurePolicy.FallBackToProcess;

    /// <summary>How long a vector is kept after it was computed.</summary>
    /// <value>1 minute to 3,650 days; 30 days unless set.</value>
    public TimeSpan EmbeddingLifetime { get; set; } = TimeSpan.FromDays(30);
}
