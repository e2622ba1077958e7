using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Coach.Rag;
using Coach.Usage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>Gathers what the last two events say: citations, usage, tier and who answered.</summary>
internal sealed class ChatAnswer
{
    private string _provider = ProviderNames.Mock;
    private long _inputTokens;
    private long _outputTokens;
    private UsageCost? _cost;
    private CitationsContent? _citations;
    private ChatFinishReason? _finishReason;
    private bool _isNotKept;

    /// <summary>Why this is no answer, or not all of it; null unless the provider said so.</summary>
    public CoachProblem? Failure { get; private set; }

    public void Add(ChatResponseUpdate update)
    {
        if (IsRefusal(update))
        {
            Failure = CoachProblem.Invalid(
                "The provider's safety filter refused this question or stopped the answer. Ask in other words.");
        }
        else if (Failure is null && update.Contents.OfType<ErrorContent>().FirstOrDefault() is { } error)
        {
            Failure = new CoachProblem(StatusCodes.Status502BadGateway, ErrorCodes.ProviderFailed, Words(error));
        }

        _finishReason = update.FinishReason ?? _finishReason;

        if (update.AdditionalProperties?.TryGetValue(FallbackChatClient.TargetProperty, out string? target) == true
            && target is not null)
        {
            _provider = target;
        }

        // One a model call: an answer with tools has several.
        if (update.AdditionalProperties?.TryGetValue(UsageProperties.Cost, out UsageCost? cost) == true
            && cost is not null)
        {
            _cost = _cost?.Add(cost) ?? cost;
        }

        _isNotKept |= update.AdditionalProperties?.TryGetValue(ChatHistoryProperty.Name, out string? history) == true
            && history == ChatHistoryProperty.NotKept;
        foreach (AIContent content in update.Contents)
        {
            switch (content)
            {
                case UsageContent usage:
                    // The largest, not the sum: providers send running totals, some of them more than once.
                    _inputTokens = Math.Max(_inputTokens, usage.Details.InputTokenCount ?? 0);
                    _outputTokens = Math.Max(_outputTokens, usage.Details.OutputTokenCount ?? 0);
                    break;
                case CitationsContent citations:
                    _citations = citations;
                    break;
            }
        }
    }

    public CitationsEvent Citations() => new()
    {
        Passages =
        [
            .. (_citations?.Citations ?? []).Select(CitedPassage.Of),
        ],
        SearchedFor = _citations?.Retrieval.SearchedFor,
    };

    public DoneEvent Done(ChatPipelineContext context, string currency) => new()
    {
        Usage = new TokenUsage
        {
            InputTokens = _inputTokens,
            OutputTokens = _outputTokens,

            // A mock asks nobody: it costs nothing, and that is known.
            CostMicro = context.Mode == RunMode.Mock ? 0 : _cost?.Amount?.Micros,
            Currency = _cost?.Currency ?? currency,
        },
        PaidBy = context switch
        {
            { Mode: RunMode.Mock } => "nobody",
            { IsHostPaid: true } => "host",
            _ => "caller",
        },
        RagTier = _citations?.Retrieval.Tier ?? RagTier.None,
        Provider = _provider,
        FinishReason = (_finishReason ?? ChatFinishReason.Stop).Value,
        HistoryKept = _isNotKept ? false : null,
    };

    // What Coach says of an empty answer or a failed call is told; what a client of the host's writes may hold a key.
    private static string Words(ErrorContent error) => error.ErrorCode switch
    {
        "empty_answer" => error.Message,
        "MALFORMED_FUNCTION_CALL" or "malformed_tool_call" or "UNEXPECTED_TOOL_CALL" =>
            "The model tried to call a tool and failed. Ask again, or in other words.",
        _ => "The provider reported an error instead of the rest of its answer. Try again.",
    };

    // A refusal's own words are the provider's: what happened is said in Coach's.
    private static bool IsRefusal(ChatResponseUpdate update) =>
        update.FinishReason == ChatFinishReason.ContentFilter || update.Contents.Any(IsRefusal);

    private static bool IsRefusal(AIContent content) =>
        content is ErrorContent { ErrorCode: { } code } && code.Equals("refusal", StringComparison.OrdinalIgnoreCase);
}
