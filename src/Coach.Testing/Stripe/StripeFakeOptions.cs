namespace Coach.Testing;

/// <summary>How the fake behaves.</summary>
public sealed class StripeFakeOptions
{
    /// <summary>The clock: for idempotency's 24 hours, rate limits, times of objects and delays.</summary>
    /// <value>The system's unless set.</value>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>The one key that is accepted.</summary>
    /// <value>Null (the default) accepts every <c>sk_</c> and <c>rk_</c> key.</value>
    public string? ApiKey { get; set; }

    /// <summary>The secret webhooks are signed with.</summary>
    public string WebhookSecret { get; set; } = "whsec_coach_testing";

    /// <summary>The most requests in one second; more get 429.</summary>
    /// <value>Null (the default): any number.</value>
    public int? RequestsPerSecond { get; set; }

    /// <summary>How long answers are kept under their idempotency key.</summary>
    /// <value>24 hours unless set.</value>
    public TimeSpan KeyLifetime { get; set; } = TimeSpan.FromHours(24);
}
