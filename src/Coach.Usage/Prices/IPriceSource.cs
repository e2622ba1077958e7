namespace Coach.Usage;

/// <summary>The prices in force.</summary>
public interface IPriceSource
{
    /// <summary>The table that is used for calls from now on; safe to read from any thread.</summary>
    PriceTable Current { get; }
}
