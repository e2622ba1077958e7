using Microsoft.Extensions.Logging;

namespace Coach.Llm.Core;

/// <summary>
/// Every log message of the package. Keys, sessions, validation and limits: 2000–2499; providers and chat: 2500–2999.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Debug, "Key {Fingerprint} of provider {Provider} is {Status}")]
    public static partial void KeyValidated(this ILogger logger, string provider, string fingerprint, KeyStatus status);

    [LoggerMessage(2001, LogLevel.Warning, "Asking provider {Provider} about a key threw {ExceptionType}; the key was not judged")]
    public static partial void ProbeThrew(this ILogger logger, string provider, string exceptionType);

    [LoggerMessage(2002, LogLevel.Warning, "Provider {Provider} ends the configured model {Model} on {Date}, {Days} days from now; set another one")]
    public static partial void ModelEnding(this ILogger logger, string provider, string model, DateOnly date, int days);

    [LoggerMessage(2003, LogLevel.Warning, "A key of provider {Provider} does not have the configured model {Model}; set another one")]
    public static partial void ModelMissing(this ILogger logger, string provider, string model);

    [LoggerMessage(2004, LogLevel.Information, "Key {Fingerprint} of provider {Provider} was refused in a running session: it is {Status}")]
    public static partial void KeyRefusedInSession(
        this ILogger logger, string fingerprint, string provider, KeyStatus status);

    [LoggerMessage(2010, LogLevel.Warning, "A client of provider {Provider} failed to dispose ({Exception}); the session is gone all the same")]
    public static partial void ClientDisposalFailed(this ILogger logger, string provider, string exception);

    [LoggerMessage(2011, LogLevel.Warning, "A new session was refused: {Reason}; {Sessions} sessions are live")]
    public static partial void SessionRejected(this ILogger logger, string reason, int sessions);

    [LoggerMessage(2012, LogLevel.Warning, "The end of the host waited {Seconds} s for leases; {Leases} clients are still in use and end with their leases")]
    public static partial void LeasesOutstanding(this ILogger logger, double seconds, int leases);

    [LoggerMessage(2013, LogLevel.Debug, "{Sessions} sessions expired; {Remaining} are live")]
    public static partial void SessionsExpired(this ILogger logger, int sessions, int remaining);

    [LoggerMessage(2014, LogLevel.Warning, "A client of provider {Provider} was made after its time limit and could not be discarded ({Exception})")]
    public static partial void LateClientFailed(this ILogger logger, string provider, string exception);

    [LoggerMessage(2020, LogLevel.Debug, "The keys of {Sessions} sessions expired; {Remaining} sessions hold keys")]
    public static partial void KeysExpired(this ILogger logger, int sessions, int remaining);

    [LoggerMessage(2500, LogLevel.Warning, "Provider {Provider} failed ({Error}); attempt {Attempt} follows in {DelaySeconds} s")]
    public static partial void RetryScheduled(
        this ILogger logger, string provider, LlmError error, int attempt, double delaySeconds);

    [LoggerMessage(2501, LogLevel.Warning, "Provider {Provider} failed repeatedly with keys of class {KeyClass}; calls are refused for {Seconds} s")]
    public static partial void CircuitOpened(
        this ILogger logger, string provider, KeyOwnership keyClass, double seconds);

    [LoggerMessage(2502, LogLevel.Warning, "Chat target {Target} failed ({Reason}); {Next} answers instead")]
    public static partial void FellBack(this ILogger logger, string target, string reason, string next);

    [LoggerMessage(2503, LogLevel.Information, "Provider {Provider} answered {Status} ({Error}): {Message}")]
    public static partial void ProviderRefused(
        this ILogger logger, string provider, int status, LlmError error, string message);

    [LoggerMessage(2504, LogLevel.Warning, "Model {Model} of provider {Provider} refuses {Parameters}; requests go without for a day. Remove the setting, or set another model")]
    public static partial void ParametersRefused(
        this ILogger logger, string provider, string model, string parameters);

    [LoggerMessage(2505, LogLevel.Information, "A conversation of {Before} messages was too long for the model; it was shortened to {After} and asked again")]
    public static partial void ConversationReduced(this ILogger logger, int before, int after);

    [LoggerMessage(2506, LogLevel.Warning, "These settings changed and take effect after a restart: {Names}")]
    public static partial void RestartNeeded(this ILogger logger, string names);

    [LoggerMessage(2507, LogLevel.Error, "The reloaded configuration is wrong, so the settings stay as they were: {Problems}")]
    public static partial void ReloadRefused(this ILogger logger, string problems);

    [LoggerMessage(2508, LogLevel.Debug, "Key {Fingerprint} of provider {Provider} failed repeatedly; its calls are refused for {Seconds} s")]
    public static partial void KeyCircuitOpened(
        this ILogger logger, string fingerprint, string provider, double seconds);

    [LoggerMessage(2510, LogLevel.Debug, "An answer of provider {Provider} held {Count} additions that are not known, which were passed over: {Kinds}")]
    public static partial void AdditionsPassed(this ILogger logger, string provider, int count, string kinds);

    [LoggerMessage(2520, LogLevel.Warning, "The history store failed ({ExceptionType}); the answer was given, and its turn is not kept")]
    public static partial void TurnNotKept(this ILogger logger, string exceptionType);

    [LoggerMessage(2521, LogLevel.Warning, "The store {Store} is away; a question was asked without the conversation before it")]
    public static partial void HistoryNotRead(this ILogger logger, string store);
}
