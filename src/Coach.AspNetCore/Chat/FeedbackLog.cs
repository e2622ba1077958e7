using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// Feedback as lines of JSON at the end of a file, or the latest of it in memory. One lock: it is said once an answer,
/// by hand.
/// </summary>
internal sealed class FeedbackLog(IOptions<CoachChatOptions> options) : IFeedbackStore
{
    private const int MaxInMemory = 1_000;
    private const long MaxFileBytes = 64L * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<FeedbackLine> _lines = [];

    private string? Path => options.Value.FeedbackPath;

    public Task AddAsync(CallerContext caller, Feedback feedback, CancellationToken cancellationToken = default)
    {
        var line = FeedbackLine.Of(Handle(caller), feedback);
        return Task.Run(() => Run("keep it", () => Add(line)), cancellationToken);
    }

    public Task<IReadOnlyList<Feedback>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        string handle = Handle(caller);
        return Task.Run(
            () => Run<IReadOnlyList<Feedback>>("list it", () => [.. Latest(Read()).Where(line => line.Caller == handle)
                .Select(line => line.ToFeedback())]),
            cancellationToken);
    }

    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        string handle = Handle(caller);
        return Task.Run(() => Run("erase it", () => Erase(handle)), cancellationToken);
    }

    // Whose feedback it is must be found again, but the file need not name anybody.
    private static string Handle(CallerContext caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Key)))[..32];
    }

    private bool Add(FeedbackLine line)
    {
        if (Path is not { Length: > 0 } path)
        {
            _lines.Add(line);
            _lines.RemoveRange(0, Math.Max(0, _lines.Count - MaxInMemory));
            return true;
        }

        using var file = new FileStream(path, Open(FileMode.OpenOrCreate, FileAccess.ReadWrite));
        if (file.Length > MaxFileBytes)
        {
            throw new IOException("The file of feedback is full.");
        }

        // The last line may be cut off, by a crash or a full disk: the next one begins on a line of its own.
        file.Seek(0, SeekOrigin.End);
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
            {
                file.WriteByte((byte)'\n');
            }
        }

        file.Write(Bytes(line));
        return true;
    }

    private List<FeedbackLine> Read()
    {
        if (Path is not { Length: > 0 } path)
        {
            return [.. _lines];
        }

        if (!File.Exists(path))
        {
            return [];
        }

        List<FeedbackLine> lines = [];
        foreach (string text in File.ReadLines(path))
        {
            if (TryParse(text) is { } line)
            {
                lines.Add(line);
            }
        }

        return lines;
    }

    private int Erase(string handle)
    {
        List<FeedbackLine> all = Read();
        List<FeedbackLine> others = [.. all.Where(line => line.Caller != handle)];
        int erased = Latest(all).Count() - Latest(others).Count();
        if (Path is not { Length: > 0 } path)
        {
            _lines.Clear();
            _lines.AddRange(others);
        }
        else if (others.Count < all.Count)
        {
            string fresh = path + ".new";
            using (var file = new FileStream(fresh, Open(FileMode.Create, FileAccess.Write)))
            {
                others.ForEach(line => file.Write(Bytes(line)));
                file.Flush(flushToDisk: true);
            }

            File.Move(fresh, path, overwrite: true);
        }

        return erased;
    }

    private static IEnumerable<FeedbackLine> Latest(IEnumerable<FeedbackLine> lines) => lines
        .GroupBy(line => (line.Caller, line.Conversation, line.Turn))
        .Select(same => same.Last());

    private static FeedbackLine? TryParse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, FeedbackJson.Default.FeedbackLine);
        }
        catch (JsonException)
        {
            return null; // half a line, or one of another program's
        }
    }

    private static byte[] Bytes(FeedbackLine line) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(line, FeedbackJson.Default.FeedbackLine), (byte)'\n'];

    private static FileStreamOptions Open(FileMode mode, FileAccess access)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    private T Run<T>(string doing, Func<T> work)
    {
        lock (_gate)
        {
            try
            {
                return work();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new StoreException("feedback", doing, exception);
            }
        }
    }
}

/// <summary>One line of the file of feedback.</summary>
internal sealed record FeedbackLine
{
    [JsonPropertyName("at")]
    public required DateTimeOffset At { get; init; }

    [JsonPropertyName("caller")]
    public required string Caller { get; init; }

    [JsonPropertyName("conversation")]
    public required string Conversation { get; init; }

    [JsonPropertyName("turn")]
    public required string Turn { get; init; }

    [JsonPropertyName("rating")]
    public required string Rating { get; init; }

    [JsonPropertyName("note")]
    public required string Note { get; init; }

    public static FeedbackLine Of(string caller, Feedback feedback) => new()
    {
        At = feedback.At,
        Caller = caller,
        Conversation = feedback.Conversation,
        Turn = feedback.Turn,
        Rating = feedback.Rating == FeedbackRating.Up ? "up" : "down",
        Note = feedback.Note,
    };

    public Feedback ToFeedback() =>
        new(Conversation, Turn, Rating == "up" ? FeedbackRating.Up : FeedbackRating.Down, Note, At);
}

[JsonSerializable(typeof(FeedbackLine))]
internal sealed partial class FeedbackJson : JsonSerializerContext;
