using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>A key that was refused, with what the provider said about it.</summary>
internal sealed record KeyProblem : CoachProblem
{
    private readonly KeyValidation _validation;

    public KeyProblem(KeyValidation validation)
        : base(StatusCodes.Status422UnprocessableEntity, validation.Code, Told(validation))
    {
        _validation = validation;
        RetryAfter = validation.RetryAfter;
    }

    // A hint, such as whose key this looks like, is of most use next to the refusal.
    private static string Told(KeyValidation validation) =>
        validation.Hint is null ? validation.Message : $"{validation.Message} {validation.Hint}";

    protected override Task WriteBodyAsync(HttpContext context)
    {
        var body = new KeyProblemResponse
        {
            Type = ProblemPages.TypeOf(context, Code),
            Title = ProblemStatus.Title(Status),
            Status = Status,
            Detail = Detail,
            Code = Code,
            Field = Field,
            KeyStatus = _validation.Status,
            IsAuthentic = _validation.IsAuthentic,
            RetryAfterSeconds = RetryAfterSeconds,
            RequestId = context.TraceIdentifier,
        };
        return context.Response.WriteAsJsonAsync(
            body, context.JsonTypeOf<KeyProblemResponse>(), context.Response.ContentType, context.RequestAborted);
    }
}

/// <summary>
/// The body of a <see cref="KeyProblem"/>. Not required by its schema: a request without a key has the same status.
/// </summary>
internal sealed record KeyProblemResponse : ProblemResponse
{
    [JsonPropertyName("keyStatus")]
    [JsonConverter(typeof(CamelCase<KeyStatus>))]
    public KeyStatus KeyStatus { get; init; }

    /// <summary>Whether the provider knows the key; null when it said nothing about that.</summary>
    [JsonPropertyName("isAuthentic")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool? IsAuthentic { get; init; }
}
