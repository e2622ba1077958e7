using System.Globalization;
using Coach.Usage;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Usage;

/// <summary>The days that a request asks about.</summary>
internal static class UsagePeriod
{
    private const int UsualDays = 30;
    private const int MostDays = 3_660;

    /// <summary>Reads <c>from</c> and <c>to</c>, both days included; the last 31 days unless given.</summary>
    public static bool TryRead(HttpRequest request, DateTimeOffset now, out LedgerQuery query)
    {
        query = new LedgerQuery();
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        if (!TryDay(request, "to", today, out DateOnly last)
            || !TryDay(request, "from", last.AddDays(-Math.Min(UsualDays, last.DayNumber)), out DateOnly first)
            || last < first || last.DayNumber - first.DayNumber > MostDays || last == DateOnly.MaxValue)
        {
            return false;
        }

        query = new LedgerQuery { From = At(first), Before = At(last.AddDays(1)) };
        return true;
    }

    private static bool TryDay(HttpRequest request, string name, DateOnly usual, out DateOnly day)
    {
        day = usual;
        return request.Query[name].ToString() is not { Length: > 0 } text || DateOnly.TryParseExact(
            text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);
    }

    private static DateTimeOffset At(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
}
