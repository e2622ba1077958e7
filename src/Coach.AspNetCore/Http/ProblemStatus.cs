using Coach.Abstractions;
using Microsoft.AspNetCore.WebUtilities;

namespace Coach.AspNetCore.Http;

/// <summary>The HTTP status of each error code.</summary>
internal static class ProblemStatus
{
    public static int Of(string code) => code switch
    {
        ErrorCodes.RequestInvalid or ErrorCodes.ContextTooLong or ErrorCodes.ModelNotFound => 422,
        ErrorCodes.WebhookInvalid => 400,
        ErrorCodes.SessionRequired => 401,
        ErrorCodes.IdempotencyConflict or ErrorCodes.IdempotencyInProgress => 409,
        ErrorCodes.RateLimited or ErrorCodes.KeyRateLimited or ErrorCodes.BudgetExceeded => 429,
        ErrorCodes.ProviderUnreachable or ErrorCodes.ProviderFailed or ErrorCodes.KeyWrongEndpoint => 502,
        ErrorCodes.ProviderTimeout or ErrorCodes.KeyTimedOut => 504,
        ErrorCodes.MissingSecret or ErrorCodes.SessionLimit or ErrorCodes.KeyUnavailable => 503,
        ErrorCodes.PaymentsUnavailable or ErrorCodes.PaymentUncertain => 503,
        ErrorCodes.IndexCorrupt or ErrorCodes.IndexUnavailable or ErrorCodes.StoreUnavailable => 503,
        ErrorCodes.PaymentRejected or ErrorCodes.DocumentRefused => 422,
        ErrorCodes.NotFound => 404,
        ErrorCodes.MethodNotAllowed => 405,
        ErrorCodes.TooLarge => 413,
        ErrorCodes.MediaType => 415,
        _ when code.StartsWith("ERR_KEY_", StringComparison.Ordinal) => 422,
        _ => 500,
    };

    /// <summary>The code of a request that is wrong in the way that the status says.</summary>
    public static string CodeOf(int status) => status switch
    {
        404 => ErrorCodes.NotFound,
        405 => ErrorCodes.MethodNotAllowed,
        413 => ErrorCodes.TooLarge,
        415 => ErrorCodes.MediaType,
        _ => ErrorCodes.RequestInvalid,
    };

    public static string Title(int status) =>
        ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } phrase ? phrase : "Error";
}
