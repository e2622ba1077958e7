namespace Coach.Abstractions.Tests.Shared;

public class KeyRedactorTests
{
    [Theory]
    [InlineData("key sk-proj-0123456789abcdef failed", "key *** failed")]
    [InlineData("GET /v1?key=abcdefgh12345678&x=1", "GET /v1?key=***&x=1")]
    [InlineData("Authorization: Bearer abcdef.ghi-jkl", "Authorization: Bearer ***")]
    [InlineData("x-goog-api-key: AIzaSyFAKE0123456789abcdefghijk", "x-goog-api-key: ***")]
    [InlineData("whsec_FAKE01234567", "***")]
    [InlineData("trace 0123456789abcdef0123456789abcdef, desk-top, skipped, risk_free", "trace 0123456789abcdef0123456789abcdef, desk-top, skipped, risk_free")]
    [InlineData("", "")]
    public void Redact_TakesKnownShapesAndLeavesTheRest(string text, string expected) => Assert.Equal(expected, KeyRedactor.Redact(text));

    [Theory]
    [InlineData("Incorrect API key provided: sk-proj-********************WXYZ. See", "WXYZ")]
    [InlineData("Consumer 'api_key:AIzaSyFAKE0123456789abcdefghijk' has been suspended.", "AIzaSy")]
    [InlineData("Received API Key = sk-...0001, Key Hash (Token) =00000000000000000000000000000000deadbeef00000000000000000000cafe. x", "deadbeef")]
    [InlineData("Received=not-a-key, expected to start with 'sk-'.", "not-a-key")]
    [InlineData("token AQ.Ab8RN6FAKE_key-0123456789", "Ab8RN6")]
    [InlineData("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "c2ln")]
    [InlineData("GET /v1beta/models?key=plainvalue&x=1", "plainvalue")]
    [InlineData("sk_car_0123456789abcdef", "0123456789abcdef")]
    [InlineData("No such key: rk_live_abc", "abc")]
    [InlineData("pi_3FAKE_secret_XYZ is wrong", "XYZ")]
    [InlineData("pk_test_FAKE", "FAKE")]
    public void RedactForeign_KnownForm_IsTakenOut(string text, string secret)
    {
        string redacted = KeyRedactor.RedactForeign(text);
        Assert.DoesNotContain(secret, redacted, StringComparison.Ordinal);
        Assert.Contains("***", redacted, StringComparison.Ordinal);
        Assert.True(KeyRedactor.LooksSecret(text));
    }

    [Theory]
    [InlineData("my own/key+form=")]
    [InlineData("plain")]
    public void RedactForeign_TheKeyItself_IsTakenOutInEveryForm(string key) => Assert.Equal(
        "a *** b *** c ***", KeyRedactor.RedactForeign($"a {key} b {Uri.EscapeDataString(key)} c {key.ToUpperInvariant()}", key));

    [Theory]
    [InlineData("The model gemini-3.8-flash is overloaded. Please try again in 5s.")]
    [InlineData("The skipped skills of a sky diver")]
    [InlineData("No such price: 'price_1ABC'")]
    [InlineData("")]
    public void RedactForeign_NoKey_IsLeftAlone(string text)
    {
        Assert.Equal(text, KeyRedactor.RedactForeign(text));
        Assert.False(KeyRedactor.LooksSecret(text, "another"));
    }

    [Fact]
    public void RedactForeign_NoText_IsEmpty() => Assert.Equal("", KeyRedactor.RedactForeign(null, "key"));

    [Fact]
    public void RedactForeign_AnIntentSecretBehindALongId_IsTakenOut() => Assert.Equal(
        "*** is wrong", KeyRedactor.RedactForeign($"pi_{new string('a', 199)}_secret_{new string('b', 200)} is wrong"));

    /// <summary>
    /// Beginnings that match almost: an expression that goes back over them takes the square of the text's length, which
    /// is minutes here, and the search tells nothing of the clock.
    /// </summary>
    [Theory]
    [InlineData("sk-")]
    [InlineData("sk_test_")]
    [InlineData("sk-proj-")]
    [InlineData("bearer ")]
    [InlineData("bearer\t\t")]
    [InlineData("api-key: ")]
    [InlineData("api-key ")]
    [InlineData("\\u0022")]
    [InlineData("%20")]
    [InlineData("AQ.")]
    [InlineData("whsec_")]
    [InlineData("sk_live_a")]
    [InlineData("pi_*")]
    [InlineData("seti_")]
    [InlineData("eyJ.")]
    [InlineData("token = ")]
    [InlineData("0123456789abcdef")]
    public async Task RedactForeign_LongAlmostKeys_TakesLinearTimeAndKeepsTheRest(string part)
    {
        string text = "start " + string.Concat(Enumerable.Repeat(part, 1_000_000 / part.Length)) + "g end";
        string redacted = await Task.Run(() => KeyRedactor.RedactForeign(text))
            .WaitAsync(TimeSpan.FromMinutes(1), TimeProvider.System);
        Assert.StartsWith("start ", redacted, StringComparison.Ordinal);
        Assert.EndsWith(" end", redacted, StringComparison.Ordinal);
    }
}
