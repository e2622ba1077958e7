namespace Coach.Abstractions.Tests.Secrets;

public sealed class ApiKeyTests
{
    [Fact]
    public void Constructor_ProviderInAnyCase_IsKeptInLowerCase() =>
        Assert.Equal("openai", new ApiKey("OpenAI", Secret.From("k")).Provider);

    [Fact]
    public void ToString_ShowsProviderAndFingerprintOnly()
    {
        var secret = Secret.From("AIza-canary");
        Assert.Equal($"gemini:{secret.Fingerprint}", new ApiKey("gemini", secret).ToString());
    }

    [Fact]
    public void Equals_NeedsProviderAndValue()
    {
        var key = new ApiKey("gemini", Secret.From("k"));
        Assert.Equal(key, new ApiKey("GEMINI", Secret.From("k")));
        Assert.NotEqual(key, new ApiKey("openai", Secret.From("k")));
        Assert.NotEqual(key, new ApiKey("gemini", Secret.From("other")));
    }

    [Fact]
    public void Constructor_NoProviderOrNoSecret_Throws()
    {
        Assert.Throws<ArgumentException>(() => new ApiKey(" ", Secret.From("k")));
        Assert.Throws<ArgumentNullException>(() => new ApiKey("gemini", null!));
    }
}
