using System.Text;
using Coach.Abstractions;
using Coach.Llm.Core;

namespace Coach.Llm.Tests;

public class KeyStatusTests
{
    [Fact]
    public void Values_InTheOrderOfTheContract_BeginWithMissingAndEndWithValid() => Assert.Equal(
        "Missing, Malformed, Invalid, Expired, Revoked, WrongKind, Restricted, BillingRequired, QuotaExhausted, RateLimited, RegionBlocked, "
        + "Unavailable, TimedOut, WrongEndpoint, Valid", string.Join(", ", Enum.GetNames<KeyStatus>()));

    [Fact]
    public void CodeOf_EachStatusButValid_IsItsNameInUpperSnakeCase()
    {
        foreach (KeyStatus status in Enum.GetValues<KeyStatus>())
        {
            var snake = new StringBuilder();
            foreach (char c in status.ToString())
            {
                snake.Append(char.IsUpper(c) && snake.Length > 0 ? "_" : "").Append(char.ToLowerInvariant(c));
            }

            Assert.Equal(snake.ToString(), KeyStatuses.Label(status));
            Assert.Equal(status == KeyStatus.Valid ? null : "ERR_KEY_" + snake.ToString().ToUpperInvariant(), KeyStatuses.CodeOf(status));
            Assert.True(status == KeyStatus.Valid || ErrorCodes.All.Contains(KeyStatuses.CodeOf(status)));
        }
    }
}
