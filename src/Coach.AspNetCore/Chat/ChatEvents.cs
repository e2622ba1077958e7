using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Rag;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// What a chat stream holds, by the names of its server-sent events: any number of <c>delta</c>, then <c>citations</c>
/// and <c>done</c>, or <c>error</c> at any time. It stands in the OpenAPI document, which knows no event streams.
/// </summary>
internal sealed record ChatEvents
{
    [JsonPropertyName(DeltaEvent.Name)]
    public DeltaEvent? Delta { get; init; }

    [JsonPropertyName(CitationsEvent.Name)]
    public CitationsEvent? Citations { get; init; }

    [JsonPropertyName(DoneEvent.Name)]
    public DoneEvent? Done { get; init; }

    [JsonPropertyName(ErrorEvent.Name)]
    public ErrorEvent? Error { get; init; }
}

/// <summary>The next piece of the answer's text.</summary>
internal sealed record DeltaEvent
{
    public const string Name = "delta";

    [JsonPropertyName("text")]
    public required string Text { get; init; }
}

/// <summary>The passages that the answer rests on.</summary>
internal sealed record CitationsEvent
{
    public const string Name = "citations";

    [JsonPropertyName("passages")]
    public required IReadOnlyList<CitedPassage> Passages { get; init; }

    /// <summary>What was searched for, where a follow-up was completed; absent when the question was.</summary>
    [JsonPropertyName("searchedFor")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SearchedFor { get; init; }
}

/// <summary>A passage, under the number by which the answer's text cites it.</summary>
internal sealed record CitedPassage
{
    public static CitedPassage Of(Citation citation) => new()
    {
        Number = citation.Number,
        Source = citation.Passage.Source,
        Heading = citation.Passage.Heading,
        Text = citation.Passage.Text,
        Score = Math.Round(citation.Passage.Score, 4),
        Page = citation.Passage.Page,
        At = [.. citation.At.Select(at => (int[])[at.Start, at.Length])],
    };

    /// <summary>A citation as a store of conversations keeps it; null for one that Coach.Rag did not write.</summary>
    public static CitedPassage? Of(CitationAnnotation annotation) =>
        Figure(annotation, "n") is { } number ? new CitedPassage
        {
            Number = (int)number,
            Source = annotation.Title ?? "",
            Heading = Words(annotation, "heading"),
            Text = annotation.Snippet ?? "",
            Score = Math.Round(Figure(annotation, "score") ?? 0, 4),
            Page = (int?)Figure(annotation, "page"),
            At =
            [
                .. (annotation.AnnotatedRegions ?? []).OfType<TextSpanAnnotatedRegion>().Select(Span).OfType<int[]>(),
            ],
        }
        : null;

    [JsonPropertyName("n")]
    public required int Number { get; init; }

    [JsonPropertyName("source")]
    public required string Source { get; init; }

    [JsonPropertyName("heading")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Heading { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    [JsonPropertyName("score")]
    public required double Score { get; init; }

    /// <summary>The page, slide or sheet it starts on, from 1; null when its format has none.</summary>
    [JsonPropertyName("page")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required int? Page { get; init; }

    /// <summary>
    /// Where the answer's text cites it: pairs of the first UTF-16 code unit and how many.
    /// </summary>
    [JsonPropertyName("at")]
    public required IReadOnlyList<int[]> At { get; init; }

    private static int[]? Span(TextSpanAnnotatedRegion region) =>
        region is { StartIndex: { } start, EndIndex: { } end } ? [start, end - start] : null;

    // As it was written, or as it came back from a store's JSON.
    private static double? Figure(CitationAnnotation annotation, string name) => Property(annotation, name) switch
    {
        int number => number,
        double number => number,
        JsonElement { ValueKind: JsonValueKind.Number } element => element.GetDouble(),
        _ => null,
    };

    private static string? Words(CitationAnnotation annotation, string name) => Property(annotation, name) switch
    {
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString(),
        _ => null,
    };

    private static object? Property(CitationAnnotation annotation, string name) =>
        annotation.AdditionalProperties?.GetValueOrDefault(name);
}

/// <summary>The end of an answer that is complete.</summary>
internal sealed record DoneEvent
{
    public const string Name = "done";

    [JsonPropertyName("usage")]
    public required TokenUsage Usage { get; init; }

    [JsonPropertyName("ragTier")]
    [JsonConverter(typeof(CamelCase<RagTier>))]
    public required RagTier RagTier { get; init; }

    /// <summary>
    /// Why the answer ended: <c>stop</c>; <c>length</c>, so that it is cut off; or another reason of the provider's.
    /// </summary>
    [JsonPropertyName("finishReason")]
    public required string FinishReason { get; init; }

    /// <summary>Who answered: a provider's name, or <c>mock</c>.</summary>
    [JsonPropertyName("provider")]
    public required string Provider { get; init; }

    /// <summary>
    /// Who pays the provider: <c>caller</c> (the session's own key), <c>host</c> (a key of the host's), or
    /// <c>nobody</c> (a mock answer).
    /// </summary>
    [JsonPropertyName("paidBy")]
    public required string PaidBy { get; init; }

    /// <summary>False when the store of conversations was away: the next question will not know of this turn. Absent
    /// otherwise.</summary>
    [JsonPropertyName("historyKept")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? HistoryKept { get; init; }
}

/// <summary>The tokens of one answer, as its provider counted them.</summary>
internal sealed record TokenUsage
{
    [JsonPropertyName("inputTokens")]
    public required long InputTokens { get; init; }

    [JsonPropertyName("outputTokens")]
    public required long OutputTokens { get; init; }

    /// <summary>What it cost its payer at the provider, in micro-units; null if that is not known.</summary>
    [JsonPropertyName("costMicro")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required long? CostMicro { get; init; }

    [JsonPropertyName("currency")]
    public required string Currency { get; init; }
}

/// <summary>A failure after the first byte; the answer ends with it.</summary>
internal sealed record ErrorEvent
{
    public const string Name = "error";

    [JsonPropertyName("code")]
    public required string Code { get; init; }

    [JsonPropertyName("message")]
    public required string Message { get; init; }
}
