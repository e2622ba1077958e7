using Coach.Abstractions;
using Coach.Llm.Core;

namespace Coach.Llm.Tests;

public class LlmExceptionTests
{
    [Fact]
    public void IsTransient_FullSessionOrFullHost_OnlyTheHostEmptiesByItself()
    {
        Assert.True(LlmException.SessionLimit("all places are taken", 5).IsTransient);
        Assert.False(LlmException.TooManyKeys(5).IsTransient);
        Assert.Equal("ERR_SESSION_LIMIT", LlmException.TooManyKeys(5).Code);
    }

    [Fact]
    public void Code_OfEveryKeyStatus_IsTheStatussOwn()
    {
        foreach (KeyStatus status in Enum.GetValues<KeyStatus>().Where(status => status != KeyStatus.Valid))
        {
            LlmException failure = LlmException.KeyRefused(new KeyValidation(status, "m", KeyStatuses.IsAuthentic(status)));
            Assert.Equal(KeyStatuses.CodeOf(status), failure.Code);
            Assert.Equal(status, failure.KeyStatus);
            Assert.Equal(status is KeyStatus.RateLimited or KeyStatus.Unavailable or KeyStatus.TimedOut, failure.IsTransient);
        }
    }

    [Fact]
    public void Code_OfEveryError_IsOfTheClosedList()
    {
        LlmException[] failures =
        [
            LlmException.Unreachable("gemini", new HttpRequestException(HttpRequestError.NameResolutionError, "text")),
            LlmException.TimedOut("gemini", "Coach:Llm:Requests:AttemptTimeout", TimeSpan.FromSeconds(60)),
            LlmException.ResponseTooLarge("gemini", 1024),
            LlmException.InvalidResponse("gemini", "no candidates"),
            LlmException.StreamInterrupted("gemini"),
            LlmException.UnknownProvider("x/../y", "client", ["a"]),
            LlmException.SessionRequired(),
            LlmException.KeyMissing("gemini"),
            LlmException.LocalLimit("calls", TimeSpan.FromSeconds(2)),
            LlmException.SessionLimit("all places are taken", 3),
            LlmException.TooManyKeys(4),
            LlmException.RefusedInMock("No"),
        ];

        Assert.All(failures, failure => Assert.Contains(failure.Code, ErrorCodes.All));
        Assert.Equal("Provider 'gemini' could not be reached (NameResolutionError). Check the network and the provider's BaseUrl, then try again.", failures[0].Message);
        Assert.Equal("Provider 'gemini' did not answer within 60 s. Try again, or raise Coach:Llm:Requests:AttemptTimeout.", failures[1].Message);
        Assert.StartsWith("No client is registered for provider '(not a provider's name)'.", failures[5].Message, StringComparison.Ordinal);
        Assert.Equal([true, true, false, false, true, false, false, false, true, true, false, false], failures.Select(failure => failure.IsTransient));
    }
}
