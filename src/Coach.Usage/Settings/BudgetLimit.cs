using System.Globalization;

namespace Coach.Usage;

/// <summary>How much may be used, by whom, in which time.</summary>
public sealed class BudgetLimit
{
    /// <summary>Its name in messages and metrics: 1 to 40 characters from <c>a–z 0–9 _ -</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>Whose calls count together.</summary>
    /// <value><see cref="BudgetScope.User"/> unless set.</value>
    public BudgetScope Scope { get; set; } = BudgetScope.User;

    /// <summary>How long it counts.</summary>
    /// <value><see cref="BudgetPeriod.Day"/> unless set.</value>
    public BudgetPeriod Period { get; set; } = BudgetPeriod.Day;

    /// <summary>What it counts.</summary>
    /// <value><see cref="BudgetUnit.Cost"/> unless set.</value>
    public BudgetUnit Unit { get; set; }

    /// <summary>The most that may be used: micro-units, tokens or calls.</summary>
    /// <value>0 (nothing) to 10^15.</value>
    public long Max { get; set; }

    /// <summary>Counts only the calls of this provider; null for all.</summary>
    public string? Provider { get; set; }

    /// <summary>Counts only calls that the host pays for with a key of its own.</summary>
    /// <value>False (all calls) unless set.</value>
    public bool HostPaidOnly { get; set; }

    internal string Text(long value) => Unit switch
    {
        BudgetUnit.Cost => string.Create(
            CultureInfo.InvariantCulture, $"{(decimal)value / MicroAmount.PerUnit:0.######} ({PeriodText})"),
        BudgetUnit.Tokens => string.Create(CultureInfo.InvariantCulture, $"{value} tokens ({PeriodText})"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value} calls ({PeriodText})"),
    };

    private string PeriodText => Period switch
    {
        BudgetPeriod.Request => "a call",
        BudgetPeriod.Minute => "a minute",
        BudgetPeriod.Hour => "an hour",
        BudgetPeriod.Day => "a day",
        BudgetPeriod.Month => "a month",
        _ => "in all",
    };
}
