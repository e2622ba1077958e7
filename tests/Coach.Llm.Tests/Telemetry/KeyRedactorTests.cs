using Coach.Abstractions;
using Coach.Llm.Telemetry;

namespace Coach.Llm.Tests.Validation;

public class KeyRedactorTests
{
    [Theory]
    [InlineData("Incorrect API key provided: sk-proj-********************WXYZ. See", "WXYZ")]
    [InlineData("Consumer 'api_key:AIzaSyFAKE0123456789abcdefghijk' has been suspended.", "AIzaSy")]
    [InlineData("Received API Key = sk-...0001, Key Hash (Token) =00000000000000000000000000000000deadbeef00000000000000000000cafe. x", "deadbeef")]
    [InlineData("Received=not-a-key, expected to start with 'sk-'.", "not-a-key")]
    [InlineData("token AQ.Ab8RN6FAKE_key-0123456789", "Ab8RN6")]
    [InlineData("Authorization: Bearer abcdef.ghi", "abcdef")]
    [InlineData("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "c2ln")]
    [InlineData("GET /v1beta/models?key=plainvalue&x=1", "plainvalue")]
    [InlineData("sk_car_0123456789abcdef", "0123456789abcdef")]
    [InlineData("sk-ant-api03-FAKE-0123456789", "FAKE")]
    public void Redact_KnownForm_IsTakenOut(string text, string secret)
    {
        string redacted = KeyRedactor.Redact(text);
        Assert.DoesNotContain(secret, redacted, StringComparison.Ordinal);
        Assert.Contains("***", redacted, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("my own/key+form=")]
    [InlineData("plain")]
    public void Redact_TheKeyItself_IsTakenOutInEveryForm(string key)
    {
        string redacted = KeyRedactor.Redact($"a {key} b {Uri.EscapeDataString(key)} c {key.ToUpperInvariant()}", Secret.From(key));
        Assert.Equal("a *** b *** c ***", redacted);
    }

    [Theory]
    [InlineData("The model gemini-3.8-flash is overloaded. Please try again in 5s.")]
    [InlineData("")]
    public void Redact_NoKey_IsLeftAlone(string text) => Assert.Equal(text, KeyRedactor.Redact(text));
}
