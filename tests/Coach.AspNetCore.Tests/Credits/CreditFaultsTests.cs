using Coach.Proofs.Usage;

namespace Coach.AspNetCore.Tests.Credits;

public sealed class CreditFaultsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20261129)]
    public async Task Schedules_CreditEachPaymentOnce_AndEveryBalanceIsWhatTheBooksSay(int seed)
    {
        CreditFaultsProof.Result result = await CreditFaultsProof.RunAsync(schedules: 40, seed);

        Assert.True(result.IsClean, string.Join('\n', result.Findings.Take(10)));
        Assert.True(result is { Payments: > 10, Refunds: > 5, Crashes: > 20, Spent: > 5 }, result.ToJson(seed));
    }
}
