using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Configuration.Yaml;
using Memo.Configuration;
using Memo.Data;
using Memo.Jobs;
using Memo.People;
using Microsoft.AspNetCore.Identity;

namespace Memo.Http;

/// <summary>Configuration, users, jobs and what a model was asked: for admins.</summary>
internal static class AdminEndpoints
{
    private const int MaxYaml = 256 * 1024;

    public static void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder admin = api.MapGroup("/admin").ForAdmins().WithTags("Administration");
        admin.MapGet("/config/{name}", ReadConfig).Produces<string>(contentType: "application/yaml");
        admin.MapPut("/config/{name}", WriteConfigAsync).Accepts<string>("application/yaml").Produces<ConfigResponse>();
        admin.MapPost("/config/{name}/check", CheckConfigAsync).Accepts<string>("application/yaml")
            .Produces<ConfigResponse>();
        admin.MapGet("/users", UsersAsync).Produces<UserResponse[]>();
        admin.MapPost("/users", AddUserAsync).Produces<UserResponse>(StatusCodes.Status201Created);
        admin.MapDelete("/users/{name}", RemoveUserAsync).Produces(StatusCodes.Status204NoContent);
        admin.MapGet("/jobs", JobsAsync);
        admin.MapGet("/debug/{id}", DebugAsync).Produces<DebugResponse>();
        admin.MapGet("/audit", AuditAsync).Produces<AuditEntry[]>();
    }

    private static IResult ReadConfig(string name, SettingsStore settings) => ConfigFiles.Editable.Contains(name)
        ? Results.Text(settings.ReadText(name), "application/yaml", Encoding.UTF8)
        : MemoProblem.NotFound();

    private static Task<IResult> WriteConfigAsync(
        HttpContext context, string name, SettingsStore settings, AuditLog audit) =>
        UseConfigAsync(context, name, settings, async (before, text) =>
        {
            string? backup = settings.Replace(name, text);
            await audit.AddAsync(context.Caller().Name, "config-changed", name).ConfigureAwait(false);
            return new ConfigResponse(name, LineDiff.Of(before, text), backup);
        });

    private static Task<IResult> CheckConfigAsync(HttpContext context, string name, SettingsStore settings) =>
        UseConfigAsync(context, name, settings, (before, text) =>
        {
            settings.Check(name, text);
            return Task.FromResult(new ConfigResponse(name, LineDiff.Of(before, text), null));
        });

    private static async Task<IResult> UseConfigAsync(
        HttpContext context, string name, SettingsStore settings, Func<string, string, Task<ConfigResponse>> use)
    {
        if (!ConfigFiles.Editable.Contains(name))
        {
            return MemoProblem.NotFound();
        }

        (string? text, MemoProblem? problem) = await JsonBody.ReadTextAsync(context, MaxYaml).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        try
        {
            return Results.Json(await use(settings.ReadText(name), text!).ConfigureAwait(false), MemoJson.Options);
        }
        catch (YamlConfigurationException exception)
        {
            string where = exception.Line > 0 ? $"Line {exception.Line}: " : "";
            return new MemoProblem(
                StatusCodes.Status422UnprocessableEntity, ErrorCodes.RequestInvalid, where + exception.Reason)
            {
                Line = exception.Line > 0 ? exception.Line : null,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StoreException("configuration", "keep a file", exception);
        }
    }

    private static async Task<IResult> UsersAsync(HttpContext context, IUserStore<MemoUser> store) => Results.Json(
        (await ((MemoUserStore)store).ListAsync(context.RequestAborted).ConfigureAwait(false))
            .Select(user => new UserResponse(user.Name, user.IsAdmin, user.Created, user.LockoutEnd)), MemoJson.Options);

    private static async Task<IResult> AddUserAsync(
        HttpContext context, MemoOptions options, UserManager<MemoUser> users, AuditLog audit)
    {
        if (!options.AuthEnabled)
        {
            return NoUsers();
        }

        (JsonElement body, MemoProblem? problem) = await JsonBody.ReadAsync(context).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        (string name, problem) = JsonBody.Text(body, "username");
        (string password, MemoProblem? second) = JsonBody.Text(body, "password");
        if ((problem ?? second) is { } wrong)
        {
            return wrong;
        }

        bool isAdmin = body.TryGetProperty("isAdmin", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        if (name.Length is < 3 or > 50 || password.Length > 128)
        {
            return MemoProblem.Invalid("A name has 3 to 50 characters, a password 128 at most.", "username");
        }

        var user = new MemoUser { Name = name, IsAdmin = isAdmin };
        IdentityResult result = await users.CreateAsync(user, password).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            string why = string.Join(' ', result.Errors.Select(error => error.Description));
            return result.Errors.Any(error => error.Code == nameof(IdentityErrorDescriber.DuplicateUserName))
                ? new MemoProblem(StatusCodes.Status409Conflict, MemoProblem.Conflict, why)
                : MemoProblem.Invalid(why);
        }

        await audit.AddAsync(context.Caller().Name, "user-added", name).ConfigureAwait(false);
        return Results.Json(
            new UserResponse(user.Name, user.IsAdmin, user.Created, null), MemoJson.Options,
            statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> RemoveUserAsync(
        HttpContext context, string name, MemoOptions options, UserManager<MemoUser> users, AuditLog audit)
    {
        if (!options.AuthEnabled)
        {
            return NoUsers();
        }

        MemoUser? user = await users.FindByNameAsync(name).ConfigureAwait(false);
        if (user is null)
        {
            return MemoProblem.NotFound();
        }

        if (user.Id == context.Caller().Id)
        {
            return new MemoProblem(
                StatusCodes.Status409Conflict, MemoProblem.Conflict, "Remove yourself with DELETE /api/v1/me.");
        }

        await users.DeleteAsync(user).ConfigureAwait(false);
        await audit.AddAsync(context.Caller().Name, "user-removed", name).ConfigureAwait(false);
        return Results.NoContent();
    }

    private static MemoProblem NoUsers() => new(
        StatusCodes.Status409Conflict, MemoProblem.Conflict,
        "Without login there is one local user. Start with AUTH_ENABLED=true to have users.");

    private static async Task<IResult> JobsAsync(HttpContext context, EvaluationStore store)
    {
        (long queued, long running) = await store.CountAsync(context.RequestAborted).ConfigureAwait(false);
        List<EvaluationRecord> records = await store.ListAsync(null, null, 50, onlyDone: false, context.RequestAborted)
            .ConfigureAwait(false);
        return Results.Json(
            new { Queued = queued, Running = running, Jobs = records.Select(each => EvaluationEndpoints.Response(each, false)) },
            EvaluationEndpoints.ResponseJson);
    }

    private static async Task<IResult> DebugAsync(
        HttpContext context, string id, EvaluationStore store, SettingsStore settings)
    {
        if (!settings.Current.Llm.KeepRaw)
        {
            return new MemoProblem(
                StatusCodes.Status409Conflict, MemoProblem.Conflict,
                "Prompts and answers are not kept. Set debug_settings:store_raw_prompts of llm.yaml to true.");
        }

        (string? prompt, string? answer) = await store.FindRawAsync(id, context.RequestAborted).ConfigureAwait(false);
        return Results.Json(new DebugResponse(prompt, answer), MemoJson.Options);
    }

    private static async Task<IResult> AuditAsync(HttpContext context, AuditLog audit) => Results.Json(
        await audit.ListAsync(200, context.RequestAborted).ConfigureAwait(false), MemoJson.Options);

    internal sealed record ConfigResponse(string Name, IReadOnlyList<string> Diff, string? Backup);

    internal sealed record UserResponse(string User, bool IsAdmin, DateTimeOffset CreatedAt, DateTimeOffset? LockedUntil);

    internal sealed record DebugResponse(string? Prompt, string? Answer);
}
