using System.Text;
using Coach.Abstractions;
using Coach.Rag;
using Coach.Rag.Documents;
using Memo.Configuration;
using Memo.Data;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Memo.Http;

/// <summary>Files as they are sent: the text that is in them, and the file itself for so many hours.</summary>
internal sealed class Uploads(DataFolder folder, SettingsStore settings, TimeProvider time, ILogger<Uploads> logger)
{
    private static readonly string[] TextKinds = [".txt", ".md", ".markdown", ".text"];

    // One at a time: a large PDF takes a core and much memory.
    private readonly SemaphoreSlim _one = new(2, 2);
    private readonly IReadOnlyList<IDocumentReader> _readers = CoachDocumentReaders.Create();

    /// <summary>Reads the file of a multipart request.</summary>
    /// <returns>The text and the name under which the file is kept; or what is wrong.</returns>
    public async Task<(string? Text, string? Kept, MemoProblem? Problem)> ReadAsync(HttpContext context)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out MediaTypeHeaderValue? type)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 200 } boundary)
        {
            return (null, null, MemoProblem.Of(StatusCodes.Status415UnsupportedMediaType));
        }

        int limit = settings.Current.Uploads.MaxBytes;
        if (context.Request.ContentLength > limit + 4_096L)
        {
            return (null, null, MemoProblem.Of(StatusCodes.Status413PayloadTooLarge));
        }

        try
        {
            var reader = new MultipartReader(boundary, context.Request.Body) { HeadersLengthLimit = 8 * 1024 };
            while (await reader.ReadNextSectionAsync(context.RequestAborted).ConfigureAwait(false) is { } section)
            {
                bool isFile = ContentDispositionHeaderValue.TryParse(
                    section.ContentDisposition, out ContentDispositionHeaderValue? disposition)
                    && HeaderUtilities.RemoveQuotes(disposition.Name).Value == "file";
                if (!isFile)
                {
                    continue;
                }

                byte[]? bytes = await ReadAsync(section.Body, limit, context.RequestAborted).ConfigureAwait(false);
                return bytes is null
                    ? (null, null, MemoProblem.Of(StatusCodes.Status413PayloadTooLarge))
                    : await ExtractAsync(NameOf(disposition!), bytes, context.RequestAborted).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException
            && !context.RequestAborted.IsCancellationRequested)
        {
            return (null, null, new MemoProblem(
                StatusCodes.Status400BadRequest, ErrorCodes.RequestInvalid, "The multipart body is damaged."));
        }

        return (null, null, MemoProblem.Invalid("The part 'file' is missing.", "file"));
    }

    /// <summary>Erases the files that are older than the configured hours.</summary>
    /// <returns>The moment before which files are gone.</returns>
    public DateTimeOffset Sweep()
    {
        DateTimeOffset before = time.GetUtcNow() - settings.Current.Uploads.Keep;
        if (Directory.Exists(folder.Uploads))
        {
            foreach (string path in Directory.EnumerateFiles(folder.Uploads))
            {
                if (File.GetLastWriteTimeUtc(path) < before.UtcDateTime)
                {
                    File.Delete(path);
                }
            }
        }

        return before;
    }

    /// <summary>Erases one file.</summary>
    public void Remove(string? kept)
    {
        if (kept is not null)
        {
            File.Delete(Path.Combine(folder.Uploads, kept));
        }
    }

    private static string NameOf(ContentDispositionHeaderValue disposition)
    {
        string? name = HeaderUtilities.RemoveQuotes(disposition.FileNameStar).Value
            ?? HeaderUtilities.RemoveQuotes(disposition.FileName).Value;
        string file = (name ?? "").Split('/', '\\')[^1];
        return file.Length is > 0 and <= 200 ? file : "file";
    }

    private static async Task<byte[]?> ReadAsync(Stream stream, int limit, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            bytes.Write(buffer, 0, read);
            if (bytes.Length > limit)
            {
                return null;
            }
        }

        return bytes.ToArray();
    }

    private async Task<(string? Text, string? Kept, MemoProblem? Problem)> ExtractAsync(
        string name, byte[] bytes, CancellationToken cancellationToken)
    {
        var file = new DocumentFile(name, bytes);
        IDocumentReader? reader = _readers
            .Where(each => each.Match(file) != DocumentMatch.None)
            .OrderByDescending(each => each.Match(file) == DocumentMatch.Content)
            .FirstOrDefault();
        bool isDocument = reader is not null && file.HasExtension(".pdf", ".docx");
        if (!isDocument && !file.HasExtension(TextKinds))
        {
            return (null, null, new MemoProblem(
                StatusCodes.Status415UnsupportedMediaType, ErrorCodes.MediaType,
                "Only PDF (.pdf), Word (.docx) and text (.txt, .md) files are read."));
        }

        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            string text = isDocument
                ? await ReadDocumentAsync(reader!, file, cancellationToken).ConfigureAwait(false)
                : file.ReadText(out _);
            return (text.Replace("\0", "", StringComparison.Ordinal).ReplaceLineEndings("\n").Trim(), Keep(file, bytes), null);
        }
        catch (CoachException exception)
        {
            return (null, null, new MemoProblem(
                StatusCodes.Status422UnprocessableEntity, ErrorCodes.DocumentRefused, exception.Message)
            { Field = "file" });
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<string> ReadDocumentAsync(
        IDocumentReader reader, DocumentFile file, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            StructuredText read = await Task.Run(
                async () => await reader.ReadAsync(file, both.Token).ConfigureAwait(false), CancellationToken.None)
                .WaitAsync(both.Token).ConfigureAwait(false);
            return read.Text;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw RagException.DocumentRefused(DocumentRefusal.TooSlow, "took longer than 20 s to read; send its text");
        }
        catch (Exception exception) when (exception is not (CoachException or OperationCanceledException))
        {
            logger.LogInformation("A file was refused: {ExceptionType}", exception.GetType().Name);
            throw RagException.DocumentRefused(DocumentRefusal.Damaged, "is damaged, or not what its name says", exception);
        }
    }

    private string? Keep(DocumentFile file, byte[] bytes)
    {
        try
        {
            Directory.CreateDirectory(folder.Uploads);
            string kept = Guid.CreateVersion7(time.GetUtcNow()).ToString("N") + file.Extension;
            File.WriteAllBytes(Path.Combine(folder.Uploads, kept), bytes);
            return kept;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StoreException("uploads", "keep a file", exception);
        }
    }
}
