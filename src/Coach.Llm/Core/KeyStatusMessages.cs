using System.Globalization;

namespace Coach.Llm.Core;

/// <summary>
/// What people read about an outcome, given the provider's title. Composed here: nothing of it comes from a server.
/// </summary>
internal static class KeyStatusMessages
{
    /// <summary>The message of a classified answer.</summary>
    public static string For(string name, ErrorClassification found) => found.Error switch
    {
        LlmError.RequestRejected =>
            $"{name} refused the request itself{Own(found)}. Check the model, the options and the sizes of what was sent.",
        LlmError.ModelNotFound => $"{name} does not have this model{Own(found)}. Set another one.",
        LlmError.ContextTooLong =>
            $"The conversation is longer than the model of {Inner(name)} takes{Own(found)}. Begin a new one, send less, or use a model with a longer context.",
        LlmError.Unavailable => $"{name} is not available just now. {Again(found.RetryAfter)}",
        LlmError.WrongEndpoint => $"What answered is not {Inner(name)}. Check the provider's BaseUrl.",
        _ => For(name, found.Status, found.RetryAfter),
    };

    public static string For(string name, KeyStatus status, TimeSpan? retryAfter = null) => status switch
    {
        KeyStatus.Valid => $"{name} accepts the key.",
        KeyStatus.Missing => $"No key arrived at {Inner(name)}. Enter one.",
        KeyStatus.Malformed => "This cannot be a key. Copy it again, without spaces, quotes or anything around it.",
        KeyStatus.Invalid => $"{name} does not know this key. Check that it was copied whole, or create a new one.",
        KeyStatus.Expired => "The key has expired. Create a new one.",
        KeyStatus.Revoked =>
            $"{name} has revoked or suspended the key. Create a new one, and do not use this one anywhere.",
        KeyStatus.WrongKind => $"This is a credential of another kind; {Inner(name)} needs an ordinary API key.",
        KeyStatus.Restricted =>
            $"{name} knows the key but does not let it do this. Check its permissions, address and referrer restrictions, and that the API is enabled.",
        KeyStatus.BillingRequired =>
            $"{name} knows the key, but its account has no active billing for this. Set up billing.",
        KeyStatus.QuotaExhausted =>
            $"{name} knows the key, but its quota or credit is used up. Top up, raise the limit, or wait for its reset.",
        KeyStatus.RateLimited => $"{name} knows the key, but it is called too often just now. {Again(retryAfter)}",
        KeyStatus.RegionBlocked => $"{name} does not serve the place that this server is in. The key was not judged.",
        KeyStatus.Unavailable =>
            $"{name} is not available just now, so the key could not be judged. {Again(retryAfter)}",
        KeyStatus.TimedOut => $"{name} did not answer in time, so the key could not be judged. Try again.",
        _ => $"What answered is not {Inner(name)}, so the key could not be judged. Check the provider's BaseUrl.",
    };

    // The provider's own words for it, where they are plain.
    private static string Own(ErrorClassification found) => (found.Code, found.Parameter) switch
    {
        (null, null) => "",
        (null, var parameter) => $" (parameter {parameter})",
        (var code, null) => $" ({code})",
        var (code, parameter) => $" ({code}, parameter {parameter})",
    };

    private static string Again(TimeSpan? retryAfter) => retryAfter is { } wait && wait > TimeSpan.Zero
        ? string.Create(CultureInfo.InvariantCulture, $"Try again in {Math.Ceiling(wait.TotalSeconds):0} s.")
        : "Try again in a moment.";

    private static string Inner(string name) => name[0] is 'T' or 'P' && name.Contains(' ', StringComparison.Ordinal)
        ? char.ToLowerInvariant(name[0]) + name[1..]
        : name;
}
