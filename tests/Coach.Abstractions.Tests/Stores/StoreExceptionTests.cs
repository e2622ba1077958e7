namespace Coach.Abstractions.Tests;

public sealed class StoreExceptionTests
{
    [Fact]
    public void StoreException_SaysWhichStoreAndWhatToDo()
    {
        var exception = new StoreException("redis", "decide a rate limit");
        Assert.Equal("redis", exception.Store);
        Assert.Equal("ERR_STORE_UNAVAILABLE", exception.Code);
        Assert.True(exception.IsTransient);
        Assert.Equal(
            "The store 'redis' did not answer when it was asked to decide a rate limit. Check that it runs and can be reached; the same call may succeed then.",
            exception.Message);
    }

    [Fact]
    public void StoreFailurePolicy_Default_IsTheSafeOne() => Assert.Equal(StoreFailurePolicy.FailClosed, default(StoreFailurePolicy));
}
