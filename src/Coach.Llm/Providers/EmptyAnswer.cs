using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// Notices an answer that ended well and says nothing: neither text nor a call, picture or error. Without a word about
/// it, a caller cannot tell it from a broken page.
/// </summary>
internal struct EmptyAnswer
{
    /// <summary>The code of the content that says why.</summary>
    public const string Code = "empty_answer";

    private bool _saysSomething;
    private ChatFinishReason? _reason;

    public void Saw(ChatResponseUpdate update)
    {
        _reason = update.FinishReason ?? _reason;
        _saysSomething |= update.Contents.Any(content => content
            is TextContent { Text.Length: > 0 } or FunctionCallContent or DataContent or UriContent or ErrorContent);
    }

    /// <summary>What to say at the end; null of an answer that says something itself.</summary>
    public readonly ErrorContent? Complaint() => _saysSomething ? null : new ErrorContent(Why()) { ErrorCode = Code };

    private readonly string Why()
    {
        if (_reason == ChatFinishReason.Length)
        {
            return "The model used up its tokens, for example to think, before it said anything. Raise MaxOutputTokens, or ask for less effort.";
        }

        return _reason == ChatFinishReason.ContentFilter
            ? "The provider's safety filter kept the answer back. Ask in other words."
            : "The model ended its answer without saying anything. Ask again, or in other words.";
    }
}
