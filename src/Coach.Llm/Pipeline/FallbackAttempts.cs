using System.Net;
using Coach.Llm.Providers;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>One call's way through the targets.</summary>
internal sealed class FallbackAttempts(FallbackTargets targets, int[] order)
{
    private readonly List<string> _givenUp = [];
    private int _position;

    public FallbackTarget Current => targets[order[_position]];

    public bool HasNext => _position + 1 < order.Length;

    /// <summary>
    /// What the current target is sent: others than the first cannot take the first's thoughts and signatures.
    /// </summary>
    public static IReadOnlyList<ChatMessage> MessagesFor(FallbackAttempts run, IReadOnlyList<ChatMessage> messages) =>
        run.IsPreferred ? messages : ReasoningSignatures.Strip(messages);

    public static ChatOptions? OptionsFor(FallbackAttempts run, ChatOptions? options)
    {
        string? model = run.Current.ModelId;
        bool isAsGiven = model is null
            ? run.IsPreferred || options?.ModelId is null
            : options?.ModelId == model;
        if (isAsGiven)
        {
            return options;
        }

        ChatOptions copy = options?.Clone() ?? new ChatOptions();
        copy.ModelId = model;
        return copy;
    }

    /// <summary>Goes to the next target if that may mend the failure.</summary>
    public bool MoveOn(Exception exception, CancellationToken caller)
    {
        if (caller.IsCancellationRequested || Reason(exception, targets.Options) is not { } reason)
        {
            return false;
        }

        targets.CoolDown(order[_position], (exception as CoachException)?.RetryAfter);
        if (!HasNext)
        {
            return false;
        }

        string from = Current.Name;
        _givenUp.Add(from);
        _position++;
        targets.FellBack(from, Current.Name, reason);
        return true;
    }

    /// <summary>Tells other replicas which target was given up last.</summary>
    public ValueTask TellAsync() => targets.TellAsync(order[_position - 1]);

    public ValueTask AnsweredAsync() => targets.RecoverAsync(order[_position]);

    public void Label(AdditionalPropertiesDictionary properties)
    {
        properties[FallbackChatClient.TargetProperty] = Current.Name;
        if (_givenUp.Count > 0)
        {
            properties[FallbackChatClient.FallbackFromProperty] = string.Join(',', _givenUp);
        }
    }

    private bool IsPreferred => targets.IsFirst(Current);

    /// <summary>Why another target may do better, as a label; null if it would not.</summary>
    internal static string? Reason(Exception exception, FallbackOptions options) => exception switch
    {
        // Coach's own limits hold whoever answers
        LlmException { Error: LlmError.LocalLimit or LlmError.SessionLimit } => null,
        LlmException { Error: LlmError.QuotaExhausted } =>
            options.OnQuotaExhausted ? GenAINames.ErrorClass(LlmError.QuotaExhausted) : null,
        LlmException { Error: LlmError.InvalidResponse } failure => GenAINames.ErrorClass(failure.Error),
        // lasting ones too
        LlmException { Error: LlmError.Unavailable or LlmError.RateLimited } failure =>
            GenAINames.ErrorClass(failure.Error),
        LlmException failure => failure.IsTransient ? GenAINames.ErrorClass(failure.Error) : null,
        HttpRequestException { StatusCode: null or HttpStatusCode.TooManyRequests } =>
            GenAINames.ErrorClass(LlmError.Unreachable),
        HttpRequestException { StatusCode: >= HttpStatusCode.InternalServerError } =>
            GenAINames.ErrorClass(LlmError.Unreachable),
        // not the caller's: that was asked first
        TimeoutException or OperationCanceledException => GenAINames.ErrorClass(LlmError.TimedOut),
        IOException => GenAINames.ErrorClass(LlmError.Unreachable),
        _ => null,
    };
}
