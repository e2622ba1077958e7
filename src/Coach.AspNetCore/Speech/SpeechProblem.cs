using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Speech;

/// <summary>Why there is no sound: the page shows the text alone and says so.</summary>
internal sealed record SpeechProblem(string Code, string Detail) : CoachProblem(
    StatusCodes.Status503ServiceUnavailable, Code, Detail)
{
    protected override Task WriteBodyAsync(HttpContext context)
    {
        var body = new SpeechProblemResponse
        {
            Type = ProblemPages.TypeOf(context, Code),
            Title = ProblemStatus.Title(Status),
            Status = Status,
            Detail = Detail,
            Code = Code,
            RetryAfterSeconds = RetryAfterSeconds,
            RequestId = context.TraceIdentifier,
        };
        return context.Response.WriteAsJsonAsync(
            body, context.JsonTypeOf<SpeechProblemResponse>(), context.Response.ContentType, context.RequestAborted);
    }
}

/// <summary>The body of a <see cref="SpeechProblem"/>.</summary>
internal sealed record SpeechProblemResponse : ProblemResponse
{
    /// <summary>Always true: what was to be spoken can be read.</summary>
    [JsonPropertyName("isTextOnly")]
    public bool IsTextOnly => true;
}
