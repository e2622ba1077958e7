using System.Threading.Channels;
using Coach.Abstractions;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Http;
using Coach.Rag;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Knowledge;

/// <summary>The account of the documents; files in, passages out, removal.</summary>
internal sealed class KnowledgeEndpoints(CallerKnowledge knowledge, IOptions<CoachKnowledgeOptions> options)
{
    private const int MaxFiles = 100;
    private const int MaxIdLength = 512;
    private const string Prefix = "upload/";

    public static void MapAccount(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapGet(pattern, (HttpContext context, [FromServices] KnowledgeEndpoints handler) => handler.ShowAsync(context))
        .WithTags("Documents")
        .WithSummary("Tells what became of the documents: read, left out and failed, each with its reason")
        .CanFail([.. Failures.OfASession, NoSuch]);

    public static void MapEditing(IEndpointRouteBuilder endpoints, string pattern)
    {
        Failure[] away = [.. Failures.Of("the index cannot be read or written",
            ErrorCodes.IndexCorrupt, ErrorCodes.IndexUnavailable)];
        endpoints
            .MapPost(
                pattern,
                (HttpContext context, [FromServices] KnowledgeEndpoints handler) => handler.AddAsync(context))
            .WithTags("Documents")
            .WithSummary("Adds files (multipart/form-data), and streams how far reading them has come")
            .WithMetadata(new AuditAction("knowledge.add"))
            .Accepts<UploadForm>("multipart/form-data")
            .Produces<UploadEvents>(StatusCodes.Status202Accepted, "text/event-stream")
            .CanFail([.. Failures.OfASession, .. away, .. OfAnUpload]);
        endpoints
            .MapGet(
                pattern + "/{**id}",
                (string id, HttpContext context, [FromServices] KnowledgeEndpoints handler) =>
                    handler.ReadAsync(IdOf(id), context))
            .WithTags("Documents")
            .WithSummary("Shows the passages of a document, in its order")
            .CanFail([.. Failures.OfASession, .. away, NoSuch]);
        endpoints
            .MapDelete(
                pattern + "/{**id}",
                (string id, HttpContext context, [FromServices] KnowledgeEndpoints handler) =>
                    handler.RemoveAsync(IdOf(id), context))
            .WithTags("Documents")
            .WithSummary("Removes a document that was added")
            .WithMetadata(new AuditAction("knowledge.remove"))
            .CanFail([.. Failures.OfASession, .. away, NoSuch]);
    }

    // The server leaves an escaped slash as it is; generated clients escape every one.
    private static string IdOf(string id) => id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static Failure NoSuch =>
        new(StatusCodes.Status404NotFound, "there is no such document", ErrorCodes.NotFound);

    private static Failure[] OfAnUpload =>
    [
        new(StatusCodes.Status400BadRequest, "the body is no whole form", ErrorCodes.RequestInvalid),
        new(StatusCodes.Status413PayloadTooLarge, "the files are larger than the host allows", ErrorCodes.TooLarge),
        new(StatusCodes.Status415UnsupportedMediaType, "the body is no form", ErrorCodes.MediaType),
        new(StatusCodes.Status422UnprocessableEntity, "there is no file, or too many", ErrorCodes.RequestInvalid),
    ];

    public async Task<Results<Ok<KnowledgeResponse>, CoachProblem>> ShowAsync(HttpContext context) =>
        await knowledge.OpenAsync(context).ConfigureAwait(false) is { } open
            ? TypedResults.Ok(KnowledgeResponse.Of(open))
            : NotFound();

    public async Task<Results<Ok<DocumentResponse>, CoachProblem>> ReadAsync(string id, HttpContext context)
    {
        IKnowledgeBase? open = await knowledge.OpenAsync(context).ConfigureAwait(false);
        if (open is null || Find(open, id) is not { } passages)
        {
            return NotFound();
        }

        return TypedResults.Ok(new DocumentResponse
        {
            Id = id,
            Source = passages.Count > 0 ? passages[0].Source : id,
            Title = passages.Count > 0 ? passages[0].Title : "",
            Passages = [.. passages.Select(DocumentPassage.Of)],
        });
    }

    public async Task<Results<NoContent, CoachProblem>> RemoveAsync(string id, HttpContext context)
    {
        IKnowledgeBase? open = await knowledge.OpenAsync(context).ConfigureAwait(false);
        int removed = open is null ? 0 : await open.RemoveAsync([id], context.RequestAborted).ConfigureAwait(false);
        return removed > 0
            ? TypedResults.NoContent()
            : new CoachProblem(
                StatusCodes.Status404NotFound,
                ErrorCodes.NotFound,
                "No document of this id was added here. A document of a folder goes when its file is deleted.");
    }

    public async Task<Results<EmptyHttpResult, CoachProblem>> AddAsync(HttpContext context)
    {
        if (await knowledge.OpenAsync(context).ConfigureAwait(false) is not { } open)
        {
            return NotFound();
        }

        (IReadOnlyList<KnowledgeDocument> documents, CoachProblem? problem) = await ReadFormAsync(context)
            .ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        await StreamAsync(context, open, documents).ConfigureAwait(false);
        return TypedResults.Empty;
    }

    private async Task StreamAsync(
        HttpContext context, IKnowledgeBase open, IReadOnlyList<KnowledgeDocument> documents)
    {
        var stream = new ServerSentEventWriter(context, StatusCodes.Status202Accepted);
        // Only the latest matters, and a slow reader must not hold the index back.
        var progress = Channel.CreateBounded<IngestProgress>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        Task<IngestReport> work = AddAsync(open, documents, progress.Writer, context.RequestAborted);
        await stream.WriteAsync(UploadProgressEvent.Name, new UploadProgressEvent { Documents = 0, Passages = 0 })
            .ConfigureAwait(false);
        await foreach (IngestProgress step in progress.Reader.ReadAllAsync(context.RequestAborted)
            .ConfigureAwait(false))
        {
            await stream.WriteAsync(
                UploadProgressEvent.Name,
                new UploadProgressEvent { Documents = step.Documents, Passages = step.Passages }).ConfigureAwait(false);
        }

        try
        {
            IngestReport report = await work.ConfigureAwait(false);
            await stream.WriteAsync(UploadDoneEvent.Name, new UploadDoneEvent
            {
                Added = report.Added,
                Updated = report.Updated,
                Unchanged = report.Unchanged,
                Ids = [.. documents.Select(document => document.Id)],
                Failed = [.. report.Failed.Concat(report.Skipped).Select(KnowledgeRefusal.Of)],
            }).ConfigureAwait(false);
        }
        catch (CoachException exception)
        {
            await stream.WriteAsync(
                UploadErrorEvent.Name,
                new UploadErrorEvent { Code = exception.Code, Message = exception.Message }).ConfigureAwait(false);
        }
    }

    private static async Task<IngestReport> AddAsync(
        IKnowledgeBase open, IReadOnlyList<KnowledgeDocument> documents, ChannelWriter<IngestProgress> progress,
        CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(
                () => open.AddOrUpdateAsync(documents, new Sink(progress), cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            progress.Complete();
        }
    }

    private async Task<(IReadOnlyList<KnowledgeDocument> Documents, CoachProblem? Problem)> ReadFormAsync(
        HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            return ([], CoachProblem.Invalid(
                "Send the files as multipart/form-data.", StatusCodes.Status415UnsupportedMediaType));
        }

        long limit = options.Value.MaxUploadBytes;
        const long Framing = 64 * 1024;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit + Framing;
        }

        try
        {
            IFormCollection form = await context.Request.ReadFormAsync(
                new FormOptions { MultipartBodyLengthLimit = limit, ValueCountLimit = MaxFiles },
                context.RequestAborted).ConfigureAwait(false);
            return await ReadFilesAsync(form.Files, limit, context.RequestAborted).ConfigureAwait(false);
        }
        catch (BadHttpRequestException exception)
            when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return ([], TooLarge(limit));
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return ([], context.Request.ContentLength > limit
                ? TooLarge(limit)
                : CoachProblem.Invalid(
                    "The form is cut off, damaged or over a limit. Send at most 100 files.",
                    StatusCodes.Status400BadRequest));
        }
    }

    private static async Task<(IReadOnlyList<KnowledgeDocument> Documents, CoachProblem? Problem)> ReadFilesAsync(
        IFormFileCollection files, long limit, CancellationToken cancellationToken)
    {
        if (files.Count is 0 or > MaxFiles)
        {
            return ([], CoachProblem.Invalid($"Send 1 to {MaxFiles} files, each as a part with a file name."));
        }

        if (files.Sum(file => file.Length) > limit)
        {
            return ([], TooLarge(limit));
        }

        var documents = new Dictionary<string, KnowledgeDocument>(StringComparer.Ordinal);
        foreach (IFormFile file in files)
        {
            if (NameOf(file.FileName) is not { } name)
            {
                return ([], CoachProblem.Invalid("Each file needs a name of 1 to 255 characters."));
            }

            byte[] content = new byte[file.Length];
            using Stream stream = file.OpenReadStream();
            await stream.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
            documents[Prefix + name] = new KnowledgeDocument(Prefix + name, "")
            {
                Source = name,
                File = new DocumentFile(name, content) { MediaType = MediaTypeOf(file) },
            };
        }

        return ([.. documents.Values], null);
    }

    // A browser sends a name, some programs a whole path; neither is ever a path here.
    private static string? NameOf(string fileName)
    {
        string name = fileName[(fileName.LastIndexOfAny(['/', '\\']) + 1)..];
        IEnumerable<char> plain = name.Where(c => !char.IsControl(c) && !char.IsSurrogate(c) && c is not '"');
        name = string.Concat(plain).Trim().Trim('.');
        return name.Length is > 0 and <= 255 ? name : null;
    }

    private static string? MediaTypeOf(IFormFile file) =>
        file.ContentType?.Split(';')[0].Trim().ToLowerInvariant() is { Length: > 0 } type
            && type != "application/octet-stream"
            ? type
            : null;

    // A citation names its document, not the collection it is from.
    private static IReadOnlyList<Passage>? Find(IKnowledgeBase open, string id)
    {
        if (id.Length > MaxIdLength)
        {
            return null;
        }

        IReadOnlyList<Passage>? found = open.GetPassages(id);
        string collection = "";
        while (found is null)
        {
            // The first document behind all ids that a collection could have is the first one of the next collection.
            var end = new StoredDocument(char.MaxValue.ToString(), collection, 0);
            if (open.ListDocuments(end, 1) is not [{ } next])
            {
                return null;
            }

            collection = next.Collection;
            found = open.GetPassages(id, collection);
        }

        return found;
    }

    private static CoachProblem NotFound() => new(
        StatusCodes.Status404NotFound, ErrorCodes.NotFound, "There is no such document.");

    private static CoachProblem TooLarge(long limit) => CoachProblem.Invalid(
        $"The files are over {limit} bytes together. Send less, or fewer at a time.",
        StatusCodes.Status413PayloadTooLarge);

    private sealed class Sink(ChannelWriter<IngestProgress> progress) : IProgress<IngestProgress>
    {
        public void Report(IngestProgress value) => progress.TryWrite(value);
    }
}
