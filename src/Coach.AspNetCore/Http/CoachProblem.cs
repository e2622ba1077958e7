using System.Globalization;
using Coach.Abstractions;
using Coach.Usage;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Http;

/// <summary>
/// A failure as an endpoint's result: RFC 9457 problem+json. Details come from Coach's own sentences only, never from
/// an exception of someone else.
/// </summary>
internal record CoachProblem(int Status, string? Code, string Detail) : IResult
{
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The field of the body whose value is wrong.</summary>
    public string? Field { get; init; }

    /// <summary>
    /// The seconds for <c>Retry-After</c>: rounded up, never zero. Where nothing is known: 1 for a 429, 10 for what
    /// only lacks a place or a store just now.
    /// </summary>
    public int? RetryAfterSeconds
    {
        get
        {
            if (RetryAfter is { } wait)
            {
                return (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, 86_400 * 31);
            }

            return Code switch
            {
                ErrorCodes.SessionLimit or ErrorCodes.StoreUnavailable => 10,
                _ => Status == StatusCodes.Status429TooManyRequests ? 1 : null,
            };
        }
    }

    public static CoachProblem Invalid(string detail, int status = StatusCodes.Status422UnprocessableEntity) =>
        new(status, ProblemStatus.CodeOf(status), detail);

    /// <summary>The budget or balance that does not allow the call.</summary>
    public BudgetProblem? Budget { get; init; }

    public static CoachProblem From(CoachException exception) =>
        new(StatusOf(exception), exception.Code, exception.Message)
        {
            RetryAfter = exception.RetryAfter,
            Budget = exception is UsageException { Limit: not null } refused ? BudgetProblem.Of(refused) : null,
        };

    // A budget that begins anew is waited for; an empty balance is paid up.
    private static int StatusOf(CoachException exception) =>
        exception is { Code: ErrorCodes.BudgetExceeded, RetryAfter: null }
            ? StatusCodes.Status402PaymentRequired
            : ProblemStatus.Of(exception.Code);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        HttpResponse response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = "application/problem+json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        bool isTold = Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable;
        if (isTold && RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (!HttpMethods.IsHead(httpContext.Request.Method))
        {
            await WriteBodyAsync(httpContext).ConfigureAwait(false);
        }
    }

    protected virtual Task WriteBodyAsync(HttpContext context)
    {
        var body = new ProblemResponse
        {
            Type = ProblemPages.TypeOf(context, Code),
            Title = ProblemStatus.Title(Status),
            Status = Status,
            Detail = Detail,
            Code = Code,
            Field = Field,
            RetryAfterSeconds = RetryAfterSeconds,
            Budget = Budget,
            RequestId = context.TraceIdentifier,
        };
        return context.Response.WriteAsJsonAsync(
            body, context.JsonTypeOf<ProblemResponse>(), context.Response.ContentType, context.RequestAborted);
    }
}
