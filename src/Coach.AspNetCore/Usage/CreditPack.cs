namespace Coach.AspNetCore;

/// <summary>Credits that can be bought at once.</summary>
public sealed class CreditPack
{
    /// <summary>Its name: 1 to 30 characters from <c>a–z 0–9 -</c>.</summary>
    public string Id { get; set; } = "";

    /// <summary>What it is called on the payment page; 1 to 200 characters.</summary>
    public string Title { get; set; } = "";

    /// <summary>What it costs, in minor units of the credits' currency.</summary>
    public long PriceMinorUnits { get; set; }

    /// <summary>What it is worth, in micro-units of the credits' currency.</summary>
    public long CreditMicros { get; set; }
}
