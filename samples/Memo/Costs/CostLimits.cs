using Coach.Usage;
using Memo.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Memo.Costs;

/// <summary>The limits of llm.yaml as limits of Coach.Usage, also after an edit of the file.</summary>
internal sealed class CostLimits(SettingsStore settings)
    : IConfigureOptions<CoachUsageOptions>, IOptionsChangeTokenSource<CoachUsageOptions>
{
    public const string Request = "request";
    public const string Day = "day";
    public const string Month = "month";

    public string Name => Options.DefaultName;

    public void Configure(CoachUsageOptions options)
    {
        LlmSettings llm = settings.Current.Llm;
        options.UnknownPrice = UnknownPricePolicy.Ceiling;
        options.Limits.Add(Limit(Request, BudgetPeriod.Request, llm.RequestLimitMicro));
        options.Limits.Add(Limit(Day, BudgetPeriod.Day, llm.DayLimitMicro));
        options.Limits.Add(Limit(Month, BudgetPeriod.Month, llm.MonthLimitMicro));
    }

    public IChangeToken GetChangeToken() => settings.ChangeToken;

    private static BudgetLimit Limit(string name, BudgetPeriod period, long max) =>
        new() { Name = name, Scope = BudgetScope.App, Period = period, Max = max };
}
