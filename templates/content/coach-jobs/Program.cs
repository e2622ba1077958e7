using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using CoachTemplateApp;

var builder = WebApplication.CreateBuilder(args);
string folder = Directory.CreateDirectory(Path.Combine(builder.Environment.ContentRootPath, "data")).FullName;
builder.Services.AddCoachSqlite(Path.Combine(folder, "jobs.db"));
builder.Services.AddHostedService<JobWorker>();
var app = builder.Build();

app.MapPost("/texts", async (TextRequest request, IJobStore jobs, TimeProvider time, CancellationToken cancellationToken) =>
{
    if (request.Text is not { Length: >= 10 and <= 10_000 } text)
    {
        return Results.Problem("Send {\"text\": …} of 10 to 10,000 characters.", statusCode: StatusCodes.Status422UnprocessableEntity);
    }

    Job job = await jobs.EnqueueAsync(
        new Job
        {
            Id = Guid.NewGuid().ToString("N"),
            Queue = JobWorker.Queue,
            CallerKey = "everybody",
            Payload = Encoding.UTF8.GetBytes(text),
            CreatedAt = time.GetUtcNow(),
        },
        cancellationToken);
    return Results.Accepted($"/texts/{job.Id}", new { job.Id, status = "queued" });
});

app.MapGet("/texts/{id}", async (string id, IJobStore jobs, CancellationToken cancellationToken) =>
    await jobs.FindAsync(id, cancellationToken) is { } job
        ? Results.Json(new
        {
            job.Id,
            status = job.State.ToString().ToLowerInvariant(),
            job.ErrorCode,
            result = job.Result.IsEmpty ? (JsonElement?)null : JsonSerializer.Deserialize<JsonElement>(job.Result.Span),
        })
        : Results.NotFound());

app.MapDelete("/texts/{id}", async (string id, IJobStore jobs, CancellationToken cancellationToken) =>
    await jobs.CancelAsync(id, cancellationToken) ? Results.NoContent() : Results.NotFound());

app.Run();

internal sealed record TextRequest(string? Text);
