using System.Globalization;

namespace Coach.Usage.Budgets;

/// <summary>The period of a limit in which a moment lies.</summary>
internal static class BudgetWindow
{
    /// <summary>Its name within the limit, and when the next one begins; null if none does.</summary>
    public static (string Name, DateTimeOffset? ResetsAt) At(BudgetPeriod period, DateTimeOffset now)
    {
        DateTimeOffset day = new(now.UtcDateTime.Date, TimeSpan.Zero);
        switch (period)
        {
            case BudgetPeriod.Minute:
                DateTimeOffset minute = day.AddMinutes(Math.Floor((now - day).TotalMinutes));
                return (Text(minute, "yyyyMMddHHmm"), minute.AddMinutes(1));
            case BudgetPeriod.Hour:
                DateTimeOffset hour = day.AddHours((now - day).Hours);
                return (Text(hour, "yyyyMMddHH"), hour.AddHours(1));
            case BudgetPeriod.Day:
                return (Text(day, "yyyyMMdd"), day.AddDays(1));
            case BudgetPeriod.Month:
                DateTimeOffset month = new(day.Year, day.Month, 1, 0, 0, 0, TimeSpan.Zero);
                return (Text(month, "yyyyMM"), month.AddMonths(1));
            default:
                return ("all", null);
        }
    }

    private static string Text(DateTimeOffset at, string format) => at.ToString(format, CultureInfo.InvariantCulture);
}
