using Memo.Costs;
using Memo.Data;
using Memo.Jobs;
using Memo.People;
using Microsoft.AspNetCore.Identity;

namespace Memo.Http;

/// <summary>What the host keeps of the caller: all of it out, or all of it gone.</summary>
internal static class MeEndpoints
{
    private const int MaxExport = 10_000;

    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder me = api.MapGroup("/me").ForUsers().WithTags("People");
        me.MapGet("/export", ExportAsync);
        me.MapDelete("", EraseAsync).Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> ExportAsync(HttpContext context, EvaluationStore store, JobBudget budget)
    {
        Caller caller = context.Caller();
        List<EvaluationRecord> records = await store.ListAsync(
            caller.Id, null, MaxExport, onlyDone: false, context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.ContentDisposition = "attachment; filename=\"memo-export.json\"";
        context.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new
            {
                User = caller.Name,
                Evaluations = records.Select(record => new { Evaluation = EvaluationEndpoints.Response(record), record.Text }),
                Costs = await budget.EntriesAsync(caller.Id, context.RequestAborted).ConfigureAwait(false),
            }, EvaluationEndpoints.ResponseJson);
    }

    private static async Task<IResult> EraseAsync(
        HttpContext context, MemoOptions options, EvaluationStore store, EvaluationWorker worker, Uploads uploads,
        IUserStore<MemoUser> users, AuditLog audit)
    {
        Caller caller = context.Caller();
        var all = (MemoUserStore)users;
        MemoUser? user = options.AuthEnabled
            ? await all.FindByIdAsync(caller.Id, context.RequestAborted).ConfigureAwait(false)
            : null;
        List<MemoUser> everybody = await all.ListAsync(context.RequestAborted).ConfigureAwait(false);
        if (user is { IsAdmin: true } && everybody.Count(each => each.IsAdmin) == 1)
        {
            return new MemoProblem(
                StatusCodes.Status409Conflict, MemoProblem.Conflict, "You are the last admin. Make another one first.");
        }

        foreach (EvaluationRecord record in await store.ListAsync(
            caller.Id, null, MaxExport, onlyDone: false, context.RequestAborted).ConfigureAwait(false))
        {
            worker.Cancel(record.Id);
            uploads.Remove(record.Upload);
        }

        if (user is not null)
        {
            await all.DeleteAsync(user, context.RequestAborted).ConfigureAwait(false);
        }
        else
        {
            await all.EraseAsync(caller.Id, context.RequestAborted).ConfigureAwait(false);
        }

        await audit.AddAsync("", "user-erased", "").ConfigureAwait(false);
        return Results.NoContent();
    }
}
