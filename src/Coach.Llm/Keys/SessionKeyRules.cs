namespace Coach.Llm.Keys;

/// <summary>What every store checks before it takes a key.</summary>
internal static class SessionKeyRules
{
    public static void Check(SessionId session, ApiKey key, bool isMock)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (session.IsEmpty)
        {
            throw LlmException.SessionRequired();
        }

        if (isMock)
        {
            throw LlmException.RefusedInMock("No key is stored");
        }

        if (KeyFormat.FindProblem(key.Secret.Reveal()) is { } problem)
        {
            throw LlmException.KeyRefused(
                new KeyValidation(KeyStatus.Malformed, problem, IsAuthentic: false) { Provider = key.Provider });
        }
    }
}
