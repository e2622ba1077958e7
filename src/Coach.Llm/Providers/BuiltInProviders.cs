namespace Coach.Llm;

/// <summary>Registers the clients of the providers that Coach brings along.</summary>
internal static class BuiltInProviders
{
    public static void Register(CoachLlmBuilder builder) => _ = builder;
}
