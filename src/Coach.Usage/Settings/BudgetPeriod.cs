namespace Coach.Usage;

/// <summary>How long a limit counts. Periods begin with the clock and the calendar, UTC.</summary>
public enum BudgetPeriod
{
    /// <summary>One call.</summary>
    Request,

    /// <summary>A minute of the clock.</summary>
    Minute,

    /// <summary>An hour of the clock.</summary>
    Hour,

    /// <summary>A day.</summary>
    Day,

    /// <summary>A calendar month.</summary>
    Month,

    /// <summary>For ever; it does not begin anew.</summary>
    Total,
}
