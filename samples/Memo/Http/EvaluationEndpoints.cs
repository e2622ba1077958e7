using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.Usage;
using Memo.Configuration;
using Memo.Costs;
using Memo.Evaluation;
using Memo.Jobs;
using Memo.People;

namespace Memo.Http;

/// <summary>Submitting, watching, reading and removing evaluations.</summary>
internal static class EvaluationEndpoints
{
    private const int MaxPage = 100;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder group = api.MapGroup("").ForUsers().WithTags("Evaluations");
        group.MapPost("/evaluations", SubmitAsync)
            .Accepts<SubmitRequest>("application/json", "multipart/form-data")
            .Produces<SubmitResponse>(StatusCodes.Status202Accepted);
        group.MapGet("/evaluations", ListAsync).Produces<HistoryResponse>();
        group.MapGet("/evaluations/{id}", FindAsync).Produces<EvaluationResponse>();
        group.MapGet("/evaluations/{id}/text", TextAsync).Produces<string>(contentType: "text/plain");
        group.MapGet("/evaluations/{id}/events", EventsAsync).Produces<string>(contentType: "text/event-stream");
        group.MapDelete("/evaluations/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent);
        group.MapGet("/progress", ProgressAsync).Produces<ProgressResponse>();
        group.MapGet("/rubric", Rubric);
    }

    /// <summary>One evaluation as the API shows it.</summary>
    public static EvaluationResponse Response(EvaluationRecord record, bool withResult = true) => new(
        record.Id, record.Status, record.IsMock, record.CreatedAt, record.Seconds, record.CostMicro, "usd",
        record.ErrorCode is null ? null : new ErrorResponse(record.ErrorCode, record.ErrorMessage ?? ""),
        withResult && record.Result is not null ? JsonNode.Parse(record.Result) : null);

    private static async Task<IResult> SubmitAsync(
        HttpContext context, EvaluationStore store, EvaluationWorker worker, JobBudget budget, HostModelSource models,
        Uploads uploads, SettingsStore settings, HourlyLimits limits, TimeProvider time)
    {
        Caller caller = context.Caller();
        (string? text, string? kept, MemoProblem? problem) = await ReadAsync(context, uploads, settings)
            .ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        problem = CheckText(text!, settings.Current.Llm);
        if (problem is not null)
        {
            uploads.Remove(kept);
            return problem;
        }

        string partition = $"submit:{caller.Id}";
        RateDecision decision = limits.Take(partition, settings.Current.Auth.SubmissionsPerHour);
        GatekeeperMiddleware.Show(context, decision);
        if (!decision.IsGranted)
        {
            uploads.Remove(kept);
            return MemoProblem.TooMany(
                $"More than {decision.Limit} submissions in an hour. Wait, then go on.", decision.Reset);
        }

        DateTimeOffset now = time.GetUtcNow();
        var record = new EvaluationRecord
        {
            Id = EvaluationRecord.NewId(now),
            UserId = caller.Id,
            Status = EvaluationRecord.Queued,
            Text = text!,
            Upload = kept,
            IsMock = models.IsMock,
            CreatedAt = now,
        };
        problem = await EnqueueAsync(record, store, budget, settings.Current.Llm, context.RequestAborted)
            .ConfigureAwait(false);
        if (problem is not null)
        {
            uploads.Remove(kept);
            limits.GiveBack(partition);
            return problem;
        }

        worker.Wake();
        string location = $"/api/v1/evaluations/{record.Id}";
        context.Response.Headers.Location = location;
        return Results.Json(
            new SubmitResponse(record.Id, record.Status), MemoJson.Options, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<(string? Text, string? Kept, MemoProblem? Problem)> ReadAsync(
        HttpContext context, Uploads uploads, SettingsStore settings)
    {
        if (context.Request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true)
        {
            return await uploads.ReadAsync(context).ConfigureAwait(false);
        }

        // A character may be sent as two escapes of six bytes each.
        int maxBytes = Math.Max(JsonBody.MaxBytes, (12 * settings.Current.Llm.MaxLength) + 1024);
        (JsonElement body, MemoProblem? problem) = await JsonBody.ReadAsync(context, maxBytes).ConfigureAwait(false);
        if (problem is not null)
        {
            return (null, null, problem);
        }

        (string text, problem) = JsonBody.Text(body, "text");
        bool isTooLarge = problem is null && text.Length >= JsonBody.MaxBytes;
        return (text, null, isTooLarge ? MemoProblem.Of(StatusCodes.Status413PayloadTooLarge) : problem);
    }

    private static MemoProblem? CheckText(string text, LlmSettings llm)
    {
        // Characters as people count them in a form: a pair of surrogates is one.
        int length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            length++;
            if (rune.Value == 0)
            {
                return MemoProblem.Invalid("The text holds a NUL character. Remove it.", "text");
            }
        }

        if (length > llm.MaxLength || text.AsSpan().Trim().Length < llm.MinLength || length < llm.MinLength)
        {
            return MemoProblem.Invalid(string.Create(
                CultureInfo.InvariantCulture,
                $"The text has {length:N0} characters; it must have between {llm.MinLength:N0} and {llm.MaxLength:N0}."), "text");
        }

        return null;
    }

    // The money first: a host that is killed in between leaves a reservation that ends with its lease.
    private static async Task<MemoProblem?> EnqueueAsync(
        EvaluationRecord record, EvaluationStore store, JobBudget budget, LlmSettings llm,
        CancellationToken cancellationToken)
    {
        long reserved;
        try
        {
            reserved = await budget.ReserveAsync(record, cancellationToken).ConfigureAwait(false);
        }
        catch (UsageException exception) when (exception.Error == UsageError.LimitReached)
        {
            return Refused(exception);
        }

        bool isTaken = false;
        try
        {
            isTaken = await store.EnqueueAsync(
                record with { ReservedMicro = reserved }, llm.Concurrency + llm.QueueSize, cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            if (!isTaken)
            {
                await budget.ReleaseAsync(record, reserved).ConfigureAwait(false);
            }
        }

        return isTaken
            ? null
            : MemoProblem.TooMany("The queue is full. Try again in a few seconds.", TimeSpan.FromSeconds(5));
    }

    private static MemoProblem Refused(UsageException exception) => MemoProblem.TooMany(
        exception.Limit switch
        {
            CostLimits.Day => "Today's budget is used up. Try again tomorrow, or raise cost_limit_per_day.",
            CostLimits.Month => "This month's budget is used up. Try again next month, or raise cost_limit_per_month.",
            _ => exception.Message,
        },
        exception.RetryAfter ?? TimeSpan.FromDays(1), MemoProblem.BudgetExceeded);

    private static async Task<EvaluationRecord?> OwnAsync(HttpContext context, string id, EvaluationStore store)
    {
        EvaluationRecord? record = id.Length == 32
            ? await store.FindAsync(id, context.RequestAborted).ConfigureAwait(false)
            : null;
        context.Response.Headers.CacheControl = "no-store";
        return record?.UserId == context.Caller().Id ? record : null;
    }

    private static async Task<IResult> FindAsync(HttpContext context, string id, EvaluationStore store) =>
        await OwnAsync(context, id, store).ConfigureAwait(false) is { } record
            ? Results.Json(Response(record), ResponseJson)
            : MemoProblem.NotFound();

    private static async Task<IResult> TextAsync(HttpContext context, string id, EvaluationStore store) =>
        await OwnAsync(context, id, store).ConfigureAwait(false) is { } record
            ? Results.Text(record.Text, "text/plain", Encoding.UTF8)
            : MemoProblem.NotFound();

    private static async Task<IResult> DeleteAsync(
        HttpContext context, string id, EvaluationStore store, EvaluationWorker worker, JobBudget budget,
        EvaluationEvents events, Uploads uploads)
    {
        if (await OwnAsync(context, id, store).ConfigureAwait(false) is not { } record)
        {
            return MemoProblem.NotFound();
        }

        string? before = await store.CancelOrDeleteAsync(id, record.UserId, context.RequestAborted).ConfigureAwait(false);
        if (before is null)
        {
            return MemoProblem.NotFound();
        }

        worker.Cancel(id);
        events.Changed(id);
        await budget.SettleAsync(id).ConfigureAwait(false);
        uploads.Remove(record.Upload);
        return Results.NoContent();
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, EvaluationStore store, string? before = null, string? limit = null)
    {
        if (!TryLimit(limit, out int count))
        {
            return MemoProblem.Invalid($"'limit' must be a whole number from 1 to {MaxPage}.", "limit");
        }

        (DateTimeOffset Time, string Id)? from = null;
        if (!string.IsNullOrEmpty(before))
        {
            if (await BeforeAsync(context, before, store).ConfigureAwait(false) is not { } found)
            {
                return MemoProblem.Invalid("'before' must be a time or the id of one of your evaluations.", "before");
            }

            from = found;
        }

        List<EvaluationRecord> records = await store.ListAsync(
            context.Caller().Id, from, count + 1, onlyDone: false, context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        EvaluationRecord[] page = [.. records.Take(count)];
        return Results.Json(
            new HistoryResponse(
                [.. page.Select(Summary)], records.Count > count ? page[^1].Id : null),
            ResponseJson);
    }

    private static bool TryLimit(string? text, out int limit)
    {
        limit = 20;
        return text is null
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaxPage);
    }

    private static async Task<(DateTimeOffset Time, string Id)?> BeforeAsync(
        HttpContext context, string before, EvaluationStore store)
    {
        if (await OwnAsync(context, before, store).ConfigureAwait(false) is { } record)
        {
            return (record.CreatedAt, record.Id);
        }

        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal;
        return DateTimeOffset.TryParse(before, CultureInfo.InvariantCulture, styles, out DateTimeOffset time)
            ? (time, "")
            : null;
    }

    private static HistoryItem Summary(EvaluationRecord record)
    {
        string line = record.Text.Trim().ReplaceLineEndings(" ");
        int end = Math.Min(80, line.Length);
        end -= end > 0 && char.IsHighSurrogate(line[end - 1]) ? 1 : 0;
        double? overall = record.Result is null ? null : JsonNode.Parse(record.Result)!["overall"]!.GetValue<double>();
        return new HistoryItem(
            record.Id, record.Status, record.IsMock, record.CreatedAt, record.Seconds, overall, line[..end]);
    }

    private static async Task<IResult> ProgressAsync(HttpContext context, EvaluationStore store)
    {
        List<EvaluationRecord> records = await store.ListAsync(
            context.Caller().Id, null, MaxPage, onlyDone: true, context.RequestAborted).ConfigureAwait(false);
        records.Reverse();
        var points = records.Select(record =>
        {
            EvaluationResult result = JsonSerializer.Deserialize<EvaluationResult>(record.Result!, MemoJson.Options)!;
            return new ProgressPoint(
                record.Id, record.CreatedAt, record.IsMock, result.Overall,
                [.. result.Criteria.Select(score => new ProgressScore(score.Id, score.Name, score.Score))]);
        });
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(new ProgressResponse([.. points]), ResponseJson);
    }

    private static IResult Rubric(SettingsStore settings)
    {
        MemoSettings current = settings.Current;
        return Results.Json(
            new
            {
                current.Rubric.Name,
                current.Rubric.Description,
                Criteria = current.Rubric.Criteria,
                Frameworks = current.Rubric.Frameworks.Select(each => new { Name = each.Key, Description = each.Value }),
                current.AutosaveSeconds,
                current.Llm.MinLength,
                current.Llm.MaxLength,
            }, MemoJson.Options);
    }

    // Each change once, the last one final. A change may be of another host: the database is looked at every second.
    private static async Task EventsAsync(
        HttpContext context, string id, EvaluationStore store, EvaluationEvents events, TimeProvider time)
    {
        if (await OwnAsync(context, id, store).ConfigureAwait(false) is null)
        {
            await MemoProblem.NotFound().ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        HttpResponse response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        string? told = null;
        try
        {
            while (true)
            {
                Task changed = events.NextChange(id);
                EvaluationRecord? record = await store.FindAsync(id, context.RequestAborted).ConfigureAwait(false);
                string status = record?.Status ?? EvaluationRecord.Cancelled;
                if (status != told)
                {
                    told = status;
                    string data = JsonSerializer.Serialize(new SubmitResponse(id, status), MemoJson.Options);
                    await response.WriteAsync($"event: status\ndata: {data}\n\n", context.RequestAborted).ConfigureAwait(false);
                    await response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
                }

                if (record is null || record.HasEnded)
                {
                    return;
                }

                await WaitAsync(changed, time, context.RequestAborted).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The browser went away.
        }
    }

    private static async Task WaitAsync(Task changed, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await changed.WaitAsync(LookAgain, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Time to look.
        }
    }

    internal static readonly JsonSerializerOptions ResponseJson = new(MemoJson.Options)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    internal sealed record SubmitRequest(string Text);

    internal sealed record SubmitResponse(string Id, string Status);

    internal sealed record ErrorResponse(string Code, string Message);

    internal sealed record EvaluationResponse(
        string Id, string Status, bool IsMock, DateTimeOffset CreatedAt, double Seconds, long CostMicro, string Currency,
        ErrorResponse? Error, JsonNode? Result);

    internal sealed record HistoryItem(
        string Id, string Status, bool IsMock, DateTimeOffset CreatedAt, double Seconds, double? Overall, string Beginning);

    internal sealed record HistoryResponse(IReadOnlyList<HistoryItem> Evaluations, string? Next);

    internal sealed record ProgressScore(string Id, string Name, int Score);

    internal sealed record ProgressPoint(
        string Id, DateTimeOffset CreatedAt, bool IsMock, double Overall, IReadOnlyList<ProgressScore> Criteria);

    internal sealed record ProgressResponse(IReadOnlyList<ProgressPoint> Points);
}
