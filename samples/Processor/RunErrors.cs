namespace Processor;

/// <summary>The codes with which runs and verbs fail. A code is a contract: it is never renamed.</summary>
internal static class RunErrors
{
    public const string Inputs = "ERR_INPUTS";
    public const string Validation = "ERR_VALIDATION";
    public const string Provider = "ERR_PROVIDER";
    public const string Runtime = "ERR_RUNTIME";
    public const string Timeout = "ERR_TIMEOUT";
    public const string MissingSecret = "ERR_MISSING_SECRET";
    public const string CiSafety = "ERR_CI_SAFETY";
    public const string ImageUnpinned = "ERR_IMAGE_UNPINNED";
    public const string RegistryMismatch = "ERR_REGISTRY_MISMATCH";
    public const string Preempted = "ERR_PREEMPTED";
    public const string BudgetExceeded = "ERR_BUDGET_EXCEEDED";
}

/// <summary>
/// A run or a verb that cannot go on. The message holds no secret, no text of a user or of a provider.
/// </summary>
internal sealed class ProcessorException(string code, string message) : Exception(message)
{
    /// <summary>One of <see cref="RunErrors"/>.</summary>
    public string Code { get; } = code;
}
