namespace Coach.Payments;

/// <summary>Simulated links: the section <c>Coach:Payments:Simulated</c>.</summary>
public sealed class SimulatedOptions
{
    /// <summary>What the addresses of simulated links begin with. The default can never be reached: <c>.invalid</c> is
    /// reserved (RFC 2606).</summary>
    /// <value>An absolute http or https address; <c>https://payments.coach.invalid/simulated/</c> unless set.</value>
    public Uri BaseUrl { get; set; } = new("https://payments.coach.invalid/simulated/");

    /// <summary>How long after its creation a simulated link counts as paid.</summary>
    /// <value>Zero to 30 days; 10 seconds unless set. Null: never.</value>
    public TimeSpan? PaidAfter { get; set; } = TimeSpan.FromSeconds(10);
}
