using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Rag;

namespace Coach.AspNetCore.Knowledge;

/// <summary><c>GET /api/knowledge</c>: what became of the documents.</summary>
internal sealed record KnowledgeResponse
{
    /// <summary>Documents of the index, with those that were added over HTTP or in code.</summary>
    [JsonPropertyName("documents")]
    public required int Documents { get; init; }

    [JsonPropertyName("passages")]
    public required int Passages { get; init; }

    /// <summary>Documents of the registered sources that are in the index.</summary>
    [JsonPropertyName("read")]
    public required int Read { get; init; }

    /// <summary>What was left out on purpose; at most 1,000 are listed.</summary>
    [JsonPropertyName("skipped")]
    public required IReadOnlyList<KnowledgeRefusal> Skipped { get; init; }

    [JsonPropertyName("skippedCount")]
    public required int SkippedCount { get; init; }

    /// <summary>What could not be taken; at most 1,000 are listed.</summary>
    [JsonPropertyName("failed")]
    public required IReadOnlyList<KnowledgeRefusal> Failed { get; init; }

    [JsonPropertyName("failedCount")]
    public required int FailedCount { get; init; }

    /// <summary>What was read by a guess, such as of its encoding; at most 1,000 are listed.</summary>
    [JsonPropertyName("guessed")]
    public required IReadOnlyList<KnowledgeRefusal> Guessed { get; init; }

    /// <summary>Files that no reader takes, by the ending of their names.</summary>
    [JsonPropertyName("kinds")]
    public required IReadOnlyDictionary<string, int> Kinds { get; init; }

    /// <summary>When the sources were read; null before they were.</summary>
    [JsonPropertyName("at")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset? At { get; init; }

    /// <summary>How far the first reading has come; left out when nothing is being read.</summary>
    [JsonPropertyName("reading")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public KnowledgeReadingResponse? Reading { get; init; }

    public static KnowledgeResponse Of(IKnowledgeBase knowledge)
    {
        KnowledgeAccount account = knowledge.Account;
        return new KnowledgeResponse
        {
            Documents = knowledge.DocumentCount,
            Passages = knowledge.PassageCount,
            Read = account.Read,
            Skipped = [.. account.Skipped.Select(KnowledgeRefusal.Of)],
            SkippedCount = account.SkippedCount,
            Failed = [.. account.Failed.Select(KnowledgeRefusal.Of)],
            FailedCount = account.FailedCount,
            Guessed = [.. account.Guessed.Select(KnowledgeRefusal.Of)],
            Kinds = account.Kinds,
            At = account.At,
            Reading = knowledge.Reading is { } reading
                ? new KnowledgeReadingResponse { Documents = reading.Documents, Total = reading.Total }
                : null,
        };
    }
}

/// <summary>How far reading has come.</summary>
internal sealed record KnowledgeReadingResponse
{
    /// <summary>Documents looked at so far.</summary>
    [JsonPropertyName("documents")]
    public required int Documents { get; init; }

    /// <summary>How many there are; null when it is not known.</summary>
    [JsonPropertyName("total")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required int? Total { get; init; }
}

/// <summary>A document that is not in the index, or was read by a guess, and why.</summary>
internal sealed record KnowledgeRefusal
{
    /// <summary>The document's id: for a file its path within its folder.</summary>
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>The kind of reason, such as <c>noReader</c>, <c>encrypted</c> or <c>tooLarge</c>.</summary>
    [JsonPropertyName("kind")]
    [JsonConverter(typeof(CamelCase<DocumentRefusal>))]
    public required DocumentRefusal Kind { get; init; }

    /// <summary>Why, in words.</summary>
    [JsonPropertyName("reason")]
    public required string Reason { get; init; }

    public static KnowledgeRefusal Of(IngestFailure failure) =>
        new() { Id = failure.Id, Kind = failure.Refusal, Reason = failure.Reason };
}

/// <summary><c>GET /api/knowledge/{id}</c>: a document's passages, in its order.</summary>
internal sealed record DocumentResponse
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("source")]
    public required string Source { get; init; }

    [JsonPropertyName("title")]
    public required string Title { get; init; }

    [JsonPropertyName("passages")]
    public required IReadOnlyList<DocumentPassage> Passages { get; init; }
}

/// <summary>A passage, with its range in the document's text.</summary>
internal sealed record DocumentPassage
{
    [JsonPropertyName("start")]
    public required int Start { get; init; }

    [JsonPropertyName("length")]
    public required int Length { get; init; }

    [JsonPropertyName("heading")]
    public required string Heading { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>The page, slide or sheet it starts on, from 1; null when its format has none.</summary>
    [JsonPropertyName("page")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required int? Page { get; init; }

    public static DocumentPassage Of(Passage passage) => new()
    {
        Start = passage.Start,
        Length = passage.Length,
        Heading = passage.Heading,
        Text = passage.Text,
        Page = passage.Page,
    };
}

/// <summary>
/// What an upload's stream holds: any number of <c>progress</c>, then <c>done</c>, or <c>error</c>. It stands in the
/// OpenAPI document, which knows no event streams.
/// </summary>
internal sealed record UploadEvents
{
    [JsonPropertyName(UploadProgressEvent.Name)]
    public UploadProgressEvent? Progress { get; init; }

    [JsonPropertyName(UploadDoneEvent.Name)]
    public UploadDoneEvent? Done { get; init; }

    [JsonPropertyName(UploadErrorEvent.Name)]
    public UploadErrorEvent? Error { get; init; }
}

/// <summary>How far reading has come.</summary>
internal sealed record UploadProgressEvent
{
    public const string Name = "progress";

    [JsonPropertyName("documents")]
    public required int Documents { get; init; }

    [JsonPropertyName("passages")]
    public required int Passages { get; init; }
}

/// <summary>What became of the files.</summary>
internal sealed record UploadDoneEvent
{
    public const string Name = "done";

    [JsonPropertyName("added")]
    public required int Added { get; init; }

    [JsonPropertyName("updated")]
    public required int Updated { get; init; }

    [JsonPropertyName("unchanged")]
    public required int Unchanged { get; init; }

    /// <summary>The ids of the files that were sent, by which they can be read and removed.</summary>
    [JsonPropertyName("ids")]
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>What could not be taken, and why.</summary>
    [JsonPropertyName("failed")]
    public required IReadOnlyList<KnowledgeRefusal> Failed { get; init; }
}

/// <summary>The index could not be written; the stream ends with it.</summary>
internal sealed record UploadErrorEvent
{
    public const string Name = "error";

    [JsonPropertyName("code")]
    public required string Code { get; init; }

    [JsonPropertyName("message")]
    public required string Message { get; init; }
}
