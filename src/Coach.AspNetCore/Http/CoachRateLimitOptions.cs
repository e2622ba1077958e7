namespace Coach.AspNetCore;

/// <summary>
/// How often a session and an address may call: the section <c>Coach:RateLimits</c>. Over the limit: 429 with
/// <c>Retry-After</c>.
/// </summary>
public sealed class CoachRateLimitOptions
{
    /// <summary>The requests a session may make at once before its steady rate applies.</summary>
    /// <value>1 to 100,000; 120 unless set.</value>
    public int SessionBurst { get; set; } = 120;

    /// <summary>The requests a minute a session gets back.</summary>
    /// <value>1 to 1,000,000; 120 unless set.</value>
    public int SessionPerMinute { get; set; } = 120;

    /// <summary>The requests an address may make at once, all its sessions together.</summary>
    /// <value>1 to 1,000,000; 2,000 unless set.</value>
    public int AddressBurst { get; set; } = 2_000;

    /// <summary>The requests a minute an address gets back.</summary>
    /// <value>1 to 10,000,000; 2,000 unless set.</value>
    public int AddressPerMinute { get; set; } = 2_000;

    /// <summary>The keys that an address may have checked, at once and in a minute.</summary>
    /// <value>1 to 100,000; 30 unless set.</value>
    public int KeyChecksPerMinute { get; set; } = 30;
}
