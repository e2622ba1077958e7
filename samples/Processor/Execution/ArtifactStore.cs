using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Processor.Configuration;

namespace Processor.Execution;

/// <summary>
/// Writes outputs: to a folder that stands for <c>/artifacts/</c>, or by PUT to a URL of a host that is allowed. A file
/// appears whole or not at all, and the index after all files that it names.
/// </summary>
internal sealed class ArtifactStore(IOptions<ProcessorOptions> options, IHttpClientFactory http)
{
    internal const string IndexName = "outputs.json";
    internal const string HttpClientName = "processor-uploads";
    private const string Mount = "/artifacts/";
    private const int MaxPath = 1024;
    private const int MaxSegment = 128;

    // Links lead out of the folder.
    private static readonly EnumerationOptions Everywhere = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };

    private readonly ArtifactOptions _options = options.Value.Artifacts;
    private long _written;

    /// <summary>The share of the limit that is used, from 0 to 1.</summary>
    public double Used => (double)Interlocked.Read(ref _written) / _options.MaxBytes;

    /// <summary>The folder of a run's outputs, with a slash at its end.</summary>
    /// <exception cref="ProcessorException">The prefix leads out of <c>/artifacts/</c>.</exception>
    public static string Prefix(string writePrefix, string runId)
    {
        if (writePrefix.Length == 0)
        {
            return $"{Mount}outputs/{runId}/";
        }

        string prefix = writePrefix
            .Replace("{{execution_id}}", runId, StringComparison.Ordinal)
            .Replace("{execution_id}", runId, StringComparison.Ordinal)
            .Replace("{run_id}", runId, StringComparison.Ordinal)
            .TrimEnd('/');

        // Directly in /artifacts/ one run would write over another.
        return Mount + Relative(prefix == Mount.TrimEnd('/') ? "" : prefix, "write_prefix") + '/';
    }

    /// <summary>Checks where an output is to go, before anything is run.</summary>
    /// <exception cref="ProcessorException">It may not go there.</exception>
    public void Check(string target, bool isReal)
    {
        if (!IsUrl(target))
        {
            Relative(target, "outputs");
        }
        else if (isReal)
        {
            CheckUpload(target);
        }
    }

    /// <summary>Checks the URL that a file is to be sent to.</summary>
    /// <exception cref="ProcessorException">It may not go there.</exception>
    public void CheckUpload(string url)
    {
        if (!IsAllowed(url))
        {
            throw new ProcessorException(
                RunErrors.Inputs,
                "An output goes by https to a host of Processor:Artifacts:UploadHosts; this URL's is none of them.");
        }
    }

    public static bool IsUrl(string target) => target.Contains("://", StringComparison.Ordinal);

    /// <summary>Writes a file below <c>/artifacts/</c>.</summary>
    public async Task<OutputFile> WriteAsync(
        string path, byte[] content, string mime, CancellationToken cancellationToken)
    {
        string relative = Relative(path, "outputs");
        string file = Path.Combine(_options.Directory, relative);
        if (Interlocked.Add(ref _written, content.Length) > _options.MaxBytes)
        {
            Interlocked.Add(ref _written, -content.Length);
            throw new ProcessorException(
                RunErrors.Runtime,
                $"The outputs of this processor fill Processor:Artifacts:MaxBytes ({_options.MaxBytes}); raise it.");
        }

        CreateFolder(Path.GetDirectoryName(file)!);
        string partial = file + ".part-" + Guid.NewGuid().ToString("N");
        try
        {
            var create = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
            };
            if (!OperatingSystem.IsWindows())
            {
                create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            await using (var stream = new FileStream(partial, create))
            {
                await stream.WriteAsync(content, cancellationToken);
            }

            File.Move(partial, file, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            File.Delete(partial);
            throw new ProcessorException(
                RunErrors.Runtime, "An output could not be written; see Processor:Artifacts:Directory.");
        }

        return Describe(Mount + relative, content, mime);
    }

    /// <summary>Removes the files that are older than the retention, and folders that are empty then.</summary>
    /// <returns>How many files were removed.</returns>
    public int Sweep(DateTimeOffset now)
    {
        if (_options.Retention == TimeSpan.Zero || !Directory.Exists(_options.Directory))
        {
            return 0;
        }

        int removed = 0;
        DateTime before = (now - _options.Retention).UtcDateTime;
        foreach (FileInfo file in new DirectoryInfo(_options.Directory).EnumerateFiles("*", Everywhere))
        {
            if (file.LastWriteTimeUtc < before)
            {
                long length = file.Length;
                file.Delete();
                GiveBack(length);
                removed++;
            }
        }

        // The deepest first. A run may make one again meanwhile: one that is not empty stays.
        foreach (string folder in Directory.EnumerateDirectories(_options.Directory, "*", Everywhere)
            .OrderByDescending(folder => folder.Length).ToList())
        {
            if (Directory.GetLastWriteTimeUtc(folder) < before && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }
        }

        return removed;
    }

    /// <summary>Sends a file to a URL that was signed for it. The URL is shown nowhere without its query.</summary>
    public async Task<OutputFile> UploadAsync(
        string target, byte[] content, string mime, CancellationToken cancellationToken)
    {
        using HttpClient client = http.CreateClient(HttpClientName);
        using var body = new ByteArrayContent(content);
        body.Headers.ContentType = new MediaTypeHeaderValue(mime);
        try
        {
            using HttpResponseMessage answer = await client.PutAsync(new Uri(target), body, cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                throw new ProcessorException(
                    RunErrors.Runtime, $"An output was refused where it was to go (HTTP {(int)answer.StatusCode}).");
            }
        }
        catch (Exception failure) when (failure is HttpRequestException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ProcessorException(RunErrors.Runtime, "An output could not be sent where it was to go.");
        }

        return Describe(new Uri(target).GetLeftPart(UriPartial.Path), content, mime);
    }

    /// <summary>The list of a run's outputs, as clients read it.</summary>
    public static byte[] Index(IReadOnlyList<OutputFile> outputs)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray("outputs");
        foreach (OutputFile output in outputs)
        {
            output.WriteTo(json);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    // Files of an earlier process were not counted by this one.
    private void GiveBack(long length)
    {
        long written;
        do
        {
            written = Interlocked.Read(ref _written);
        }
        while (Interlocked.CompareExchange(ref _written, Math.Max(0, written - length), written) != written);
    }

    private static OutputFile Describe(string path, byte[] content, string mime) =>
        new(path, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content)), content.Length, mime);

    private static void CreateFolder(string folder)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(
                    folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ProcessorException(
                RunErrors.Runtime, "The folder of outputs cannot be written; see Processor:Artifacts:Directory.");
        }
    }

    // Below /artifacts/, with or without saying so; no climbing, no encoded slash, nothing that a file system refuses.
    private static string Relative(string path, string field)
    {
        string relative = path.StartsWith(Mount, StringComparison.Ordinal) ? path[Mount.Length..] : path.TrimStart('/');
        string[] segments = relative.Split('/');
        bool isFine = relative.Length is > 0 and <= MaxPath
            && segments.All(segment => segment is not ("" or "." or "..")
                && segment.Length <= MaxSegment
                && !segment.AsSpan().ContainsAny("\\%:")
                && !segment.Any(char.IsControl));
        return isFine
            ? relative
            : throw new ProcessorException(
                RunErrors.Inputs,
                $"'{field}' is a path below {Mount}: no '.', '..', '%', ':' or '\\', parts of at most {MaxSegment} "
                + $"characters, {MaxPath} in all.");
    }

    private bool IsAllowed(string target) =>
        Uri.TryCreate(target, UriKind.Absolute, out Uri? uri)
        && uri.Scheme == Uri.UriSchemeHttps
        && uri.UserInfo.Length == 0
        && _options.UploadHosts.Any(host => host.StartsWith("*.", StringComparison.Ordinal)
            ? uri.Host.EndsWith(host[1..], StringComparison.OrdinalIgnoreCase)
            : uri.Host.Equals(host, StringComparison.OrdinalIgnoreCase));
}

/// <summary>How an output is written as JSON.</summary>
internal static class OutputFileJson
{
    public static void WriteTo(this OutputFile output, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("path"u8, output.Path);
        json.WriteString("cid"u8, output.Cid);
        json.WriteNumber("size_bytes"u8, output.SizeBytes);
        json.WriteString("mime"u8, output.Mime);
        json.WriteEndObject();
    }
}
