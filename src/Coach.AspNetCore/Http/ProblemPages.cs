using System.Collections.Frozen;
using System.Text.Encodings.Web;
using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Http;

/// <summary>
/// What each code means and what to do, on a page of the host's own: where a problem's <c>type</c> leads
/// (RFC 9457 §3.1.1).
/// </summary>
internal sealed class ProblemPages
{
    private const string Blank = "about:blank";

    private static readonly FrozenDictionary<string, (string Meaning, string Advice)> Texts =
        new Dictionary<string, (string, string)>(StringComparer.Ordinal)
        {
            [ErrorCodes.MissingSecret] = (
                "The server lacks a secret that this needs.",
                "Tell whoever runs it; the log names the secret."),
            [ErrorCodes.KeyMissing] = (
                "There is no key to answer with.",
                "Enter a key of one of the providers, and send the call again."),
            [ErrorCodes.KeyMalformed] = (
                "What was entered cannot be a key.",
                "Copy the key again, whole and without anything around it."),
            [ErrorCodes.KeyInvalid] = (
                "The provider does not know the key.",
                "Check which provider it is from, or make a new one there."),
            [ErrorCodes.KeyExpired] = (
                "The key has expired.",
                "Make a new one at the provider."),
            [ErrorCodes.KeyRevoked] = (
                "The key was revoked, suspended, or reported as leaked.",
                "Make a new one at the provider, and find out where the old one went."),
            [ErrorCodes.KeyWrongKind] = (
                "This is a credential of another kind, such as an admin key or a sign-in token.",
                "Enter an API key."),
            [ErrorCodes.KeyRestricted] = (
                "The key is genuine and may not do this.",
                "Lift its restrictions (scopes, services, addresses, referrers) at the provider, or use "
                + "another one."),
            [ErrorCodes.KeyBillingRequired] = (
                "The key is genuine, and its account has no billing.",
                "Set up billing at the provider."),
            [ErrorCodes.KeyQuotaExhausted] = (
                "The key is genuine, and its quota or credit is used up.",
                "Wait for the next period, or add credit at the provider."),
            [ErrorCodes.KeyRateLimited] = (
                "The key is genuine, and called too often just now.",
                "Wait as many seconds as the answer says."),
            [ErrorCodes.KeyRegionBlocked] = (
                "The provider does not serve the server's region.",
                "Use another provider; nothing is known about the key."),
            [ErrorCodes.KeyUnavailable] = (
                "The provider is down or overloaded.",
                "Try again later; nothing is known about the key."),
            [ErrorCodes.KeyTimedOut] = (
                "The provider did not answer in time.",
                "Try again later; nothing is known about the key."),
            [ErrorCodes.KeyWrongEndpoint] = (
                "The address that is set for the provider is not the provider's.",
                "Tell whoever runs the server; nothing is known about the key."),
            [ErrorCodes.ProviderUnreachable] = (
                "The provider could not be reached.",
                "Try again later."),
            [ErrorCodes.ProviderTimeout] = (
                "The provider did not answer within the time limit.",
                "Try again, perhaps with less to read."),
            [ErrorCodes.ProviderFailed] = (
                "The provider answered with a failure, or with something that is no answer.",
                "Try again; if it stays, report the request id."),
            [ErrorCodes.SessionLimit] = (
                "There is no place for another session just now, or the server is stopping.",
                "Wait as many seconds as the answer says."),
            [ErrorCodes.SessionRequired] = (
                "The session's cookie was replaced or its session was ended.",
                "Send the call again with the cookies that the browser has now. Nothing was done."),
            [ErrorCodes.RateLimited] = (
                "The session or the address called too often.",
                "Wait as many seconds as Retry-After says."),
            [ErrorCodes.IdempotencyConflict] = (
                "The Idempotency-Key was used before with another request.",
                "Take a new key for a new purchase; send the first request again to repeat the old one."),
            [ErrorCodes.IdempotencyInProgress] = (
                "The same operation is running elsewhere.",
                "Wait, and send it again with the same key."),
            [ErrorCodes.PaymentsUnavailable] = (
                "Payments cannot be taken now.",
                "Send the request again later with the same Idempotency-Key."),
            [ErrorCodes.PaymentRejected] = (
                "The payment provider refused the request.",
                "The detail says why; a new request needs a new key."),
            [ErrorCodes.PaymentUncertain] = (
                "It is not known yet whether the payment link exists.",
                "Send the request again later with the same Idempotency-Key: no second link is made."),
            [ErrorCodes.WebhookInvalid] = (
                "The event's signature, time or body is not acceptable.",
                "Check the endpoint's secret and the server's clock."),
            [ErrorCodes.IndexCorrupt] = (
                "The index of the documents is damaged.",
                "It is built again from the documents; try again later."),
            [ErrorCodes.IndexUnavailable] = (
                "The documents cannot be searched now.",
                "Try again later; the log says why."),
            [ErrorCodes.RequestInvalid] = (
                "The request is wrong.",
                "The detail says how, and field names the value; change it and send it again."),
            [ErrorCodes.ContextTooLong] = (
                "The conversation is longer than the model takes.",
                "Begin a new conversation, or choose a model that takes more."),
            [ErrorCodes.ModelNotFound] = (
                "The provider does not have the model, or not for this key.",
                "Choose another model."),
            [ErrorCodes.StoreUnavailable] = (
                "A store that the servers share did not answer.",
                "Wait as many seconds as Retry-After says."),
            [ErrorCodes.BudgetExceeded] = (
                "A limit on spending is used up, or the balance is.",
                "With 429 wait as many seconds as Retry-After says; with 402 buy credits. budget names the limit."),
            [ErrorCodes.NotFound] = (
                "There is nothing at this address, or nothing of yours.",
                "Check the address; the HTTP API guide lists the calls."),
            [ErrorCodes.MethodNotAllowed] = (
                "The address does not take this method.",
                "The HTTP API guide lists the calls."),
            [ErrorCodes.MediaType] = (
                "The body is of another type than the address takes.",
                "Send JSON in UTF-8 with Content-Type: application/json, not compressed."),
            [ErrorCodes.TooLarge] = (
                "The body is longer than the address takes.",
                "Send at most 64 KiB."),
            [ErrorCodes.DocumentRefused] = (
                "A document cannot be read: it is damaged, encrypted, too large, too deep or of a kind that is not read.",
                "The detail says which; mend the document, or raise the limit that it names."),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    private string? _pattern;

    /// <summary>Says that the host serves the pages below a pattern.</summary>
    public void ServeAt(string pattern) => _pattern = pattern;

    /// <summary>The address of the page about a code.</summary>
    public static string TypeOf(HttpContext context, string? code)
    {
        string? pattern = (context.RequestServices.GetService(typeof(ProblemPages)) as ProblemPages)?._pattern;
        return pattern is null || code is null || !Texts.ContainsKey(code)
            ? Blank
            : $"{context.Request.PathBase}{pattern}/{code}";
    }

    /// <summary>Whether there is a page about a code.</summary>
    public static bool Has(string code) => Texts.ContainsKey(code);

    /// <summary>The page about a code; no script and no style, so that the strictest content policy shows it.</summary>
    public static IResult Show(string code)
    {
        if (!Texts.TryGetValue(code, out (string Meaning, string Advice) text))
        {
            return CoachProblem.Invalid("There is no such code.", StatusCodes.Status404NotFound);
        }

        HtmlEncoder html = HtmlEncoder.Default;
        return TypedResults.Text(
            $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>{code}</title></head>
            <body>
            <h1>{code}</h1>
            <p>{html.Encode(text.Meaning)}</p>
            <p>{html.Encode(text.Advice)}</p>
            <p>HTTP status: {ProblemStatus.Of(code)}, unless the answer has another.</p>
            </body>
            </html>

            """,
            "text/html; charset=utf-8");
    }
}
