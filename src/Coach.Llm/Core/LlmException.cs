using System.Globalization;
using Coach.Llm.Core;

namespace Coach.Llm;

/// <summary>
/// Reports that a provider, a key or a limit stood in the way. No message repeats a sentence that a server sent, only
/// its code and the name of the parameter, where these are plain words.
/// </summary>
public sealed class LlmException : CoachException
{
    private readonly TimeSpan? _retryAfter;
    private readonly bool _isLasting;

    private LlmException(
        LlmError error, string message, Exception? inner = null, TimeSpan? retryAfter = null, bool isLasting = false,
        string? code = null)
        : base(code ?? CodeOf(error), message, inner)
    {
        Error = error;
        _retryAfter = retryAfter;
        _isLasting = isLasting;
    }

    /// <summary>What went wrong.</summary>
    public LlmError Error { get; }

    /// <summary>The provider concerned, in lower case.</summary>
    /// <value>Null when no provider was involved.</value>
    public string? Provider { get; private init; }

    /// <summary>The status of the provider's answer.</summary>
    /// <value>100 to 599; null when there was no answer or it does not matter.</value>
    public int? HttpStatus { get; private init; }

    /// <summary>The provider's own code of the failure, such as <c>context_length_exceeded</c>.</summary>
    /// <value>1 to 64 letters, digits, '_', '.', '-', '[' and ']'; null when it gave none, or one that may hold a
    /// secret.</value>
    public string? ProviderCode { get; private init; }

    /// <summary>The provider's own name of the parameter that it refuses, such as <c>temperature</c>.</summary>
    /// <value>As for <see cref="ProviderCode"/>.</value>
    public string? ProviderParameter { get; private init; }

    /// <summary>
    /// With <see cref="LlmError.ModelNotFound"/>: the models that the key has whose names are nearest, nearest first.
    /// </summary>
    /// <value>0 to 3 names; none where the key's models are not known.</value>
    public IReadOnlyList<string> NearestModels { get; private init; } = [];

    /// <summary>The parameters that the provider refuses, of those that a request can do without.</summary>
    internal RequestParameters RefusedParameters { get; private init; }

    /// <summary>What the failure says about the key.</summary>
    /// <value>Null when it says nothing about a key.</value>
    public KeyStatus? KeyStatus { get; private init; }

    /// <summary>What of the request the provider found too much.</summary>
    internal SizeRefusal Size { get; private init; }

    /// <inheritdoc />
    /// <remarks>A provider that says that trying again is of no use is believed.</remarks>
    public override bool IsTransient => !_isLasting
        && (Error is LlmError.Unreachable or LlmError.TimedOut or LlmError.Unavailable or LlmError.RateLimited
            or LlmError.LocalLimit or LlmError.StreamInterrupted or LlmError.SessionLimit
            || (Error is LlmError.ProviderFailed && HttpStatus is >= 500));

    /// <inheritdoc />
    public override TimeSpan? RetryAfter => _retryAfter;

    /// <summary>A provider's answer, already classified.</summary>
    internal static LlmException FromAnswer(string provider, ErrorClassification found) =>
        new(found.Error, found.Message, inner: null, found.RetryAfter, isLasting: !found.IsTransient)
        {
            Provider = provider,
            HttpStatus = found.HttpStatus,
            ProviderCode = found.Code,
            ProviderParameter = found.Parameter,
            RefusedParameters = found.Refused,
            Size = found.Size,
            KeyStatus = found.SaysSomethingAboutTheKey ? found.Status : null,
        };

    /// <summary>This failure, with the models to set instead.</summary>
    internal LlmException WithNearestModels(IReadOnlyList<string> names) => names.Count == 0
        ? this
        : new(Error, $"{Message} The nearest that this key has: {string.Join(", ", names)}.", this)
        {
            Provider = Provider,
            HttpStatus = HttpStatus,
            ProviderCode = ProviderCode,
            ProviderParameter = ProviderParameter,
            NearestModels = names,
        };

    /// <summary>A key that did not pass validation.</summary>
    internal static LlmException KeyRefused(KeyValidation validation) =>
        new(
            KeyStatuses.ErrorOf(validation.Status),
            validation.Message,
            inner: null,
            validation.RetryAfter,
            code: KeyStatuses.CodeOf(validation.Status))
        {
            Provider = validation.Provider,
            KeyStatus = validation.Status,
        };

    internal static LlmException Unreachable(string provider, Exception inner) => new(LlmError.Unreachable,
        $"Provider '{provider}' could not be reached ({Kind(inner)}). Check the network and the provider's BaseUrl, then try again.")
    {
        Provider = provider,
    };

    internal static LlmException TimedOut(string provider, string option, TimeSpan limit) => new(LlmError.TimedOut,
        $"Provider '{provider}' did not answer within {Seconds(limit)} s. Try again, or raise {option}.")
    {
        Provider = provider,
    };

    /// <summary>The limit of a client that the host brought.</summary>
    internal static LlmException ClientTimedOut(string provider) => new(LlmError.TimedOut,
        $"Provider '{provider}' did not answer within the time limit of its client. Try again, or raise that limit.")
    {
        Provider = provider,
    };

    /// <summary>A failure of a client that the host brought, of which nothing is known but its type.</summary>
    internal static LlmException ClientFailed(string provider, Exception failure) => new(LlmError.ProviderFailed,
        $"The client of provider '{provider}' failed ({failure.GetType().Name}), and AddProvider was not told what that means.")
    {
        Provider = provider,
    };

    internal static LlmException CircuitOpen(string provider, TimeSpan? retryAfter) => new(LlmError.Unavailable,
        retryAfter is { } wait
            ? $"Provider '{provider}' failed repeatedly, so it is left alone for {Seconds(wait)} s. Try again then, or use another provider."
            : $"Provider '{provider}' failed repeatedly, so it is left alone for a while. Try again later, or use another provider.",
        inner: null, retryAfter)
    {
        Provider = provider,
    };

    internal static LlmException ResponseTooLarge(string provider, long limit) => new(LlmError.ResponseTooLarge,
        string.Create(CultureInfo.InvariantCulture,
            $"Provider '{provider}' sent more than {limit} bytes. Ask for a shorter answer, or raise Coach:Llm:Requests:MaxResponseBytes."))
    {
        Provider = provider,
    };

    internal static LlmException UnsupportedMedia(string provider, string mediaType) => new(LlmError.RequestRejected,
        $"Provider '{provider}' takes no content of type '{mediaType}'. Send it as text, convert it, or use another provider.")
    {
        Provider = provider,
    };

    internal static LlmException MediaTooLarge(string provider, int limit) => new(LlmError.RequestRejected,
        string.Create(CultureInfo.InvariantCulture,
            $"The pictures, sounds and files for provider '{provider}' hold more than {limit} bytes. Send fewer or smaller ones, or raise Coach:Llm:Requests:MaxMediaBytes."))
    {
        Provider = provider,
    };

    internal static LlmException InvalidResponse(string provider, string what) => new(LlmError.InvalidResponse,
        $"Provider '{provider}' sent something that is no answer: {what}. Check that its BaseUrl is right.")
    {
        Provider = provider,
    };

    internal static LlmException StreamInterrupted(string provider) => new(LlmError.StreamInterrupted,
        $"The stream of provider '{provider}' ended before the answer was complete. The text so far is not the whole answer; ask again.")
    {
        Provider = provider,
    };

    internal static LlmException UnknownProvider(string provider, string what, IEnumerable<string> known) =>
        new(LlmError.UnknownProvider,
        $"No {what} is registered for provider '{Shown(provider)}'. Known: {string.Join(", ", known.Order(StringComparer.Ordinal))}. "
        + "Add others with AddProvider.");

    internal static LlmException RefusedInMock(string what) => new(LlmError.RefusedInMock,
        $"{what}: this host runs in mock mode, which takes no key and makes no outside call. Set Coach:Mode to auto or real.");

    internal static LlmException SessionLimit(string reason, int maximum) => new(LlmError.SessionLimit,
        string.Create(CultureInfo.InvariantCulture,
            $"No more sessions are admitted ({reason}; Coach:Llm:Sessions:MaxSessions is {maximum}). Try again when others have ended."));

    internal static LlmException TooManyKeys(int maximum) => new(LlmError.SessionLimit,
        string.Create(CultureInfo.InvariantCulture,
            $"The session holds {maximum} keys, which is the most (Coach:Llm:Sessions:MaxKeysPerSession). Remove one first."),
        isLasting: true);

    internal static LlmException SessionRequired() => new(LlmError.SessionRequired,
        "The call names no session. Pass a SessionId made with SessionId.From.");

    internal static LlmException SessionEnded() => new(LlmError.SessionRequired,
        "The session was ended, and its running answers with it.");

    internal static LlmException KeyMissing(string provider) => new(LlmError.KeyMissing,
        $"No key for provider '{provider}' in this session. Enter one first.")
    {
        Provider = provider,
        KeyStatus = Llm.KeyStatus.Missing,
    };

    internal static LlmException NoKeyFor(string provider) => new(LlmError.KeyMissing,
        $"The session has no key of the provider {provider}. Enter one, or ask another provider.")
    {
        KeyStatus = Llm.KeyStatus.Missing,
    };

    internal static LlmException NoKeyForChat() => new(LlmError.KeyMissing,
        "This host answers with your own key only, and the session has none that can chat. Enter one first.")
    {
        KeyStatus = Llm.KeyStatus.Missing,
    };

    internal static LlmException LocalLimit(string what, TimeSpan? retryAfter) => new(LlmError.LocalLimit,
        retryAfter is { } wait
            ? $"The limit on {what} is reached. Try again in {Seconds(wait)} s."
            : $"The limit on {what} is reached. Try again when an earlier call has ended.",
        inner: null, retryAfter);

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);

    // The socket's or TLS layer's error class, never its text: that may hold an address with user information.
    private static string Kind(Exception inner) =>
        inner is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } http
        ? http.HttpRequestError.ToString()
        : inner.GetType().Name;

    // A key pasted into the wrong field must not come back: names are short and of letters, keys are neither.
    private static string Shown(string provider) =>
        provider.Length <= 20 && provider.All(c => char.IsAsciiLetter(c) || c is '-' or '_' or '.')
        ? provider
        : "(not a provider's name)";

    private static string CodeOf(LlmError error) => error switch
    {
        LlmError.Unreachable => ErrorCodes.ProviderUnreachable,
        LlmError.TimedOut => ErrorCodes.ProviderTimeout,
        LlmError.Unavailable => ErrorCodes.KeyUnavailable,
        LlmError.RequestRejected or LlmError.UnknownProvider => ErrorCodes.RequestInvalid,
        LlmError.ModelNotFound => ErrorCodes.ModelNotFound,
        LlmError.ContextTooLong => ErrorCodes.ContextTooLong,
        LlmError.KeyMissing => ErrorCodes.KeyMissing,
        LlmError.KeyMalformed => ErrorCodes.KeyMalformed,
        LlmError.KeyInvalid => ErrorCodes.KeyInvalid,
        LlmError.KeyExpired => ErrorCodes.KeyExpired,
        LlmError.KeyRevoked => ErrorCodes.KeyRevoked,
        LlmError.KeyWrongKind => ErrorCodes.KeyWrongKind,
        LlmError.KeyRestricted => ErrorCodes.KeyRestricted,
        LlmError.BillingRequired => ErrorCodes.KeyBillingRequired,
        LlmError.QuotaExhausted => ErrorCodes.KeyQuotaExhausted,
        LlmError.RateLimited => ErrorCodes.KeyRateLimited,
        LlmError.RegionBlocked => ErrorCodes.KeyRegionBlocked,
        LlmError.WrongEndpoint => ErrorCodes.KeyWrongEndpoint,
        LlmError.LocalLimit => ErrorCodes.RateLimited,
        LlmError.SessionLimit => ErrorCodes.SessionLimit,
        LlmError.SessionRequired => ErrorCodes.SessionRequired,
        LlmError.RefusedInMock => ErrorCodes.MissingSecret,
        _ => ErrorCodes.ProviderFailed,
    };
}
