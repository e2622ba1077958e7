using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Keys;

/// <summary>How the chat request without messages was answered.</summary>
internal enum ChatReply
{
    /// <summary>By what is wrong with the request: the key was taken.</summary>
    Taken,

    /// <summary>By what is wrong with the key, or what it may not.</summary>
    Refused,

    /// <summary>By something known of the key that stands in the way: quota, billing, rate.</summary>
    Held,

    /// <summary>By nothing that is this API.</summary>
    Foreign,

    /// <summary>Not at all, or by a failure that says nothing.</summary>
    Unclear,
}

/// <summary>What the answer to a chat request without messages says of the key it came with.</summary>
/// <param name="Reply">How it was answered.</param>
/// <param name="Found">What the failure means; a success has none.</param>
/// <param name="HttpStatus">The answer's status.</param>
internal sealed record KeyVerdict(ChatReply Reply, ErrorClassification? Found, int HttpStatus)
{
    public static KeyVerdict Of(Provider provider, ProviderAnswer answer, DateTimeOffset now)
    {
        ErrorBody body = ErrorBody.Parse(answer.Body.Span);
        if (answer.IsSuccess && !body.HasError)
        {
            return new(body.IsJson ? ChatReply.Taken : ChatReply.Foreign, null, answer.Status);
        }

        ErrorClassification found = ErrorClassifier.Classify(provider, answer, body, now);
        return new(ReplyOf(found, body), found, answer.Status);
    }

    private static ChatReply ReplyOf(ErrorClassification found, ErrorBody body) => found.Status switch
    {
        _ when KeyStatuses.IsAuthentic(found.Status) == false => ChatReply.Refused,
        KeyStatus.Restricted => ChatReply.Refused,
        _ when found.HttpStatus == 403 && !body.IsHtml && found.Status == KeyStatus.Unavailable => ChatReply.Refused,
        KeyStatus.QuotaExhausted or KeyStatus.BillingRequired or KeyStatus.RateLimited => ChatReply.Held,
        KeyStatus.WrongEndpoint when IsAboutTheRequest(found, body) => ChatReply.Taken,
        KeyStatus.WrongEndpoint => ChatReply.Foreign,
        _ => ChatReply.Unclear,
    };

    // The second: frameworks that check a body before anything of the API sees it have error forms of their own.
    private static bool IsAboutTheRequest(ErrorClassification found, ErrorBody body) =>
        found.Error is LlmError.RequestRejected or LlmError.ModelNotFound
        || (found.HttpStatus is 400 or 413 or 415 or 422 && body.IsJson);
}
